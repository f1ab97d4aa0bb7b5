// Runs one kernel of a library, in a process of the library's own processor: tests/test_neon.py reads what comes out.
//   foreign_kernel LIBRARY NAME steps batch input hidden |W| |U| |b|
// On stdin: x, W, U, b, c and the gradient to the output; on stdout: the output and the gradients to x, W, U, b and c.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "../src/gatecast/kernels/csrc/packing.h"

using Floats = std::vector<float>;

static Floats read_floats(int64_t count) {
    Floats read(count);
    if (fread(read.data(), sizeof(float), count, stdin) != static_cast<size_t>(count)) exit(3);
    return read;
}

static void write_floats(const Floats& some) { fwrite(some.data(), sizeof(float), some.size(), stdout); }

static void* library;
static std::string kernel;

template <class Function>
static Function* function(const char* name) {
    void* found = dlsym(library, (kernel + name).c_str());
    if (!found) exit(4);
    return reinterpret_cast<Function*>(found);
}

int main(int, char** said) {
    library = dlopen(said[1], RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    kernel = said[2];
    int64_t size[7];
    for (int k = 0; k < 7; k++) size[k] = atoll(said[3 + k]);
    const auto [steps, batch, input, hidden, W_size, U_size, b_size] = size;
    const int64_t rows = steps * batch;
    const Floats x = read_floats(rows * input), W = read_floats(W_size), U = read_floats(U_size);
    const Floats b = read_floats(b_size), c = read_floats(b_size), pull = read_floats(rows * hidden);

    const RawWeights weights{W.data(), U_size ? U.data() : nullptr, b.data(), c.data(), input, hidden};
    Floats pack(function<int64_t(int64_t, int64_t, int64_t)>("_pack_size")(input, hidden, 1));
    function<void(const RawWeights*, float*, int64_t)>("_pack")(&weights, pack.data(), 1);
    Floats saved(rows * function<int64_t(int64_t, int64_t)>("_saved_size")(input, hidden)), out(rows * hidden);
    Floats last(2 * batch * hidden);

    Sequence sequence{};
    sequence.steps = steps, sequence.batch = batch, sequence.input = input, sequence.hidden = hidden;
    sequence.threads = 2;
    sequence.x = x.data(), sequence.x_step = batch * input, sequence.x_row = input, sequence.x_feature = 1;
    sequence.out = out.data(), sequence.out_step = batch * hidden, sequence.out_row = hidden;
    sequence.last[0] = last.data(), sequence.last[1] = last.data() + batch * hidden;
    sequence.saved = saved.data();
    function<void(const Sequence*, const float*)>("_forward")(&sequence, pack.data());

    Floats to_x(x.size()), to_W(W.size()), to_U(U.size()), to_b(b.size()), to_c(c.size());
    Gradients gradients{};
    gradients.out = pull.data(), gradients.out_step = batch * hidden, gradients.out_row = hidden;
    gradients.x = to_x.data(), gradients.x_step = batch * input;
    gradients.W = to_W.data(), gradients.U = U_size ? to_U.data() : nullptr;
    gradients.b = to_b.data(), gradients.c = to_c.data();
    function<void(const Sequence*, const Gradients*, const float*)>("_backward")(&sequence, &gradients, pack.data());
    for (const Floats* each : {&out, &to_x, &to_W, &to_U, &to_b, &to_c}) write_floats(*each);
}
