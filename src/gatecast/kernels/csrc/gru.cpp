// The GRU with r after the recurrent product: n = tanh(W x + b + r * (U h + c)).
#include "dense.h"

namespace {

struct GRU {
    static constexpr int GATES = 3, SAVED = 4, MEMORIES = 0, GRADIENTS = 4;
    static constexpr bool SPLIT = true, TWICE = false;
    static constexpr int U_ORDER[] = {2, 0, 1};

    template <int M>
    static INLINE void finish(vec (&gates)[M][GATES], const vec (&n_input)[M], const Place (&at)[M]) {
        vec rz[2 * M], n[M];
        EACH(i, M) rz[i] = gates[i][0], rz[M + i] = gates[i][1];
        sigmoid_each(rz);
        EACH(i, M) n[i] = n_input[i] + rz[i] * gates[i][2];
        tanh_each(n);
        EACH(i, M) store(at[i].h_next, n[i] + rz[M + i] * (load(at[i].h) - n[i]));
        if (at[0].saved == nullptr) return;
        EACH(i, M) {
            at[i].save(0, rz[i]);
            at[i].save(1, rz[M + i]);
            at[i].save(2, n[i]);
            at[i].save(3, gates[i][2]);
        }
    }

    // Of (U h + c)_n, and of what goes into r, z and n; returns what flows to h past the gates.
    static INLINE vec gradients(const float* saved, vec h, vec, vec dh, float*, vec (&d)[GRADIENTS]) {
        const vec r = load(saved), z = load(saved + LANES), n = load(saved + 2 * LANES), n_state = load(saved + 3 * LANES);
        d[3] = dh * (1.0f - z) * (1.0f - n * n);
        d[0] = d[3] * r;
        d[1] = d[3] * n_state * (r * (1.0f - r));
        d[2] = dh * (h - n) * (z * (1.0f - z));
        return dh * z;
    }
};

}  // namespace

EXPORT(gru, Dense<GRU>)
