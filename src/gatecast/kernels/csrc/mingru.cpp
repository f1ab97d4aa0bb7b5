// The minGRU: h' = (1 - z) * h + z * n.
#include "by_unit.h"

namespace {

struct MinGRU {
    static constexpr int GATES = 2;
    static constexpr bool OWN = false;

    // h + z * (n - h): the shares of old and new sum to 1 exactly, so that a long memory does not drift.
    static INLINE vec next(const vec* gates, vec, vec h) { return h + sigmoid(gates[0]) * (gates[1] - h); }

    // Of what goes into z and n; returns what flows to h.
    static INLINE vec gradients(const vec* gates, vec, vec h, vec dh, vec (&d)[GATES]) {
        const vec z = sigmoid(gates[0]), kept = 1.0f - z;
        d[1] = dh * z;
        d[0] = d[1] * kept * (gates[1] - h);
        return dh * kept;
    }
};

}  // namespace

EXPORT(mingru, ByUnit<MinGRU>)
