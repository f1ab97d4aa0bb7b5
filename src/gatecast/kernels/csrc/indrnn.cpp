// The independently recurrent net: h' = relu(W x + b + u * h), or tanh in place of relu.
#include "by_unit.h"

namespace {

struct IndRNN {
    static constexpr int GATES = 1;
    static constexpr bool OWN = true;
};

struct Tanh : IndRNN {
    static INLINE vec next(const vec* gates, vec u, vec h) { return tanh_of(gates[0] + u * h); }

    static INLINE vec gradients(const vec* gates, vec u, vec h, vec dh, vec (&d)[GATES]) {
        const vec after = next(gates, u, h);
        d[0] = dh * (1.0f - after * after);
        return d[0] * u;
    }
};

struct ReLU : IndRNN {
    static INLINE vec next(const vec* gates, vec u, vec h) {
        const vec sum = gates[0] + u * h;
        return sum < 0.0f ? vec{} : sum;  // NaN stays NaN
    }

    static INLINE vec gradients(const vec* gates, vec u, vec h, vec dh, vec (&d)[GATES]) {
        d[0] = gates[0] + u * h > 0.0f ? dh : vec{};
        return d[0] * u;
    }
};

}  // namespace

EXPORT(indrnn_tanh, ByUnit<Tanh>)
EXPORT(indrnn_relu, ByUnit<ReLU>)
