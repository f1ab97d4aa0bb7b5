// Elman's net: h' = tanh(W x + b + U h + c), or relu in place of tanh.  The way back needs nothing but h', the output.
#include "dense.h"

namespace {

struct Elman {
    static constexpr int GATES = 1, SAVED = 0, MEMORIES = 0, GRADIENTS = 1;
    static constexpr bool SPLIT = false, TWICE = false;
    static constexpr int U_ORDER[] = {0};
};

struct Tanh : Elman {
    template <int M>
    static INLINE void finish(vec (&gates)[M][GATES], const vec (&)[M], const Place (&at)[M]) {
        vec h[M];
        EACH(i, M) h[i] = gates[i][0];
        tanh_each(h);
        EACH(i, M) store(at[i].h_next, h[i]);
    }

    static INLINE vec gradients(const float*, vec, vec h, vec dh, float*, vec (&d)[GRADIENTS]) {
        d[0] = dh * (1.0f - h * h);
        return vec{};
    }
};

struct ReLU : Elman {
    template <int M>
    static INLINE void finish(vec (&gates)[M][GATES], const vec (&)[M], const Place (&at)[M]) {
        vec h[M];
        EACH(i, M) h[i] = gates[i][0] < 0.0f ? vec{} : gates[i][0];  // NaN stays NaN
        EACH(i, M) store(at[i].h_next, h[i]);
    }

    static INLINE vec gradients(const float*, vec, vec h, vec dh, float*, vec (&d)[GRADIENTS]) {
        d[0] = h > 0.0f ? dh : vec{};
        return vec{};
    }
};

}  // namespace

EXPORT(elman_tanh, Dense<Tanh>)
EXPORT(elman_relu, Dense<ReLU>)
