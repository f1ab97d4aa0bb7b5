// The GRU with r before the recurrent product: n = tanh(W x + b + U (r * h) + c).
#include "dense.h"

namespace {

struct GRUResetBefore {
    static constexpr int GATES = 3, SAVED = 3, MEMORIES = 0, GRADIENTS = 3;
    static constexpr bool SPLIT = false, TWICE = true;
    static constexpr int U_ORDER[] = {0, 1, 2};

    // r and z; leaves r * h, W_n x + b + c and z.
    template <int M>
    static INLINE void open(vec (&gates)[M][GATES], const Place (&at)[M]) {
        vec rz[2 * M];
        EACH(i, M) rz[i] = gates[i][0], rz[M + i] = gates[i][1];
        sigmoid_each(rz);
        EACH(i, M) {
            store(at[i].memory, rz[i] * load(at[i].h));
            store(at[i].memory + at[i].plane, gates[i][2]);
            store(at[i].memory + 2 * at[i].plane, rz[M + i]);
            if (at[i].saved != nullptr) at[i].save(0, rz[i]);
        }
    }

    static INLINE vec input(const Place& at) { return load(at.memory + at.plane); }

    template <int M>
    static INLINE void finish(vec (&n)[M], const Place (&at)[M]) {
        tanh_each(n);
        EACH(i, M) {
            const vec z = load(at[i].memory + 2 * at[i].plane);
            store(at[i].h_next, n[i] + z * (load(at[i].h) - n[i]));
            if (at[i].saved == nullptr) continue;
            at[i].save(1, z);
            at[i].save(2, n[i]);
        }
    }

    // Of what goes into z and n; returns what flows to h past the gates.
    static INLINE vec gradients(const float* saved, vec h, vec, vec dh, float*, vec (&d)[GRADIENTS]) {
        const vec z = load(saved + LANES), n = load(saved + 2 * LANES);
        d[0] = vec{};
        d[1] = dh * (h - n) * (z * (1.0f - z));
        d[2] = dh * (1.0f - z) * (1.0f - n * n);
        return dh * z;
    }

    // Of what goes into r, from the gradient of r * h; turns h into r * h, and returns what flows to h by it.
    static INLINE vec close(const float* saved, vec& h, vec read, vec& d) {
        const vec r = load(saved);
        d = read * h * (r * (1.0f - r));
        h = r * h;
        return read * r;
    }
};

}  // namespace

EXPORT(gru_reset_before, Dense<GRUResetBefore>)
