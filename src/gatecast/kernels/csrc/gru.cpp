// The GRU with r after the recurrent product: n = tanh(W x + b + r * (U h + c)).
#include "exports.h"

namespace {

struct GRU {
    static constexpr int GATES = 3, SAVED = 4, MEMORIES = 0, GRADIENTS = 4;
    static constexpr bool SPLIT = true;
    static constexpr int U_ORDER[] = {2, 0, 1};

    static INLINE void finish(const vec* gates, vec n_input, Place place) {
        const vec r = sigmoid(gates[0]), z = sigmoid(gates[1]), n_state = gates[2];
        const vec n = tanh_of(n_input + r * n_state);
        store(place.h_next, n + z * (load(place.h) - n));
        if (place.saved == nullptr) return;
        store(place.saved, r);
        store(place.saved + LANES, z);
        store(place.saved + 2 * LANES, n);
        store(place.saved + 3 * LANES, n_state);
    }

    // Of (U h + c)_n, and of what goes into r, z and n; returns what flows to h past the gates.
    static INLINE vec gradients(const float* saved, vec h, vec dh, float*, vec (&d)[GRADIENTS]) {
        const vec r = load(saved), z = load(saved + LANES), n = load(saved + 2 * LANES), n_state = load(saved + 3 * LANES);
        d[3] = dh * (1.0f - z) * (1.0f - n * n);
        d[0] = d[3] * r;
        d[1] = d[3] * n_state * (r * (1.0f - r));
        d[2] = dh * (h - n) * (z * (1.0f - z));
        return dh * z;
    }
};

}  // namespace

EXPORT_CELL(gru, GRU)
