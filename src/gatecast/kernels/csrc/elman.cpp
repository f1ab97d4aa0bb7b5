// Elman's net: h' = tanh(W x + b + U h + c), or relu in place of tanh.
#include "exports.h"

namespace {

struct Elman {
    static constexpr int GATES = 1, SAVED = 1, MEMORIES = 0, GRADIENTS = 1;
    static constexpr bool SPLIT = false;
    static constexpr int U_ORDER[] = {0};
};

struct Tanh : Elman {
    static INLINE void finish(const vec* gates, vec, Place place) {
        const vec h = tanh_of(gates[0]);
        store(place.h_next, h);
        if (place.saved != nullptr) store(place.saved, h);
    }

    static INLINE vec gradients(const float* saved, vec, vec dh, float*, vec (&d)[GRADIENTS]) {
        const vec h = load(saved);
        d[0] = dh * (1.0f - h * h);
        return vec{};
    }
};

struct ReLU : Elman {
    static INLINE void finish(const vec* gates, vec, Place place) {
        const vec h = gates[0] < 0.0f ? vec{} : gates[0];  // NaN stays NaN
        store(place.h_next, h);
        if (place.saved != nullptr) store(place.saved, h);
    }

    static INLINE vec gradients(const float* saved, vec, vec dh, float*, vec (&d)[GRADIENTS]) {
        d[0] = load(saved) > 0.0f ? dh : vec{};
        return vec{};
    }
};

}  // namespace

EXPORT_CELL(elman_tanh, Tanh)
EXPORT_CELL(elman_relu, ReLU)
