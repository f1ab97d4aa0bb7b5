// The minLSTM: h' = f' * h + i' * g with f' = f / (f + i), i' = i / (f + i).
#include "by_unit.h"

namespace {

constexpr float SMALL = -60.0f;  // below, sigmoid(a) is exp(a) to the last bit

struct MinLSTM {
    static constexpr int GATES = 3;
    static constexpr bool OWN = false;

    struct Gates {
        vec f, i, kept, written;  // kept is f', written i'
        // Where both gates are too small to divide, both are multiplied by exp(up), which their shares do not notice.
        INLINE explicit Gates(const vec* of) {
            const vec larger = of[0] > of[1] ? of[0] : of[1];
            const vec up = larger < SMALL ? SMALL - larger : vec{};
            f = sigmoid(of[0] + up), i = sigmoid(of[1] + up);
            const vec whole = 1.0f / (f + i);
            kept = f * whole, written = i * whole;
        }
    };

    // h + i' * (g - h): the shares of old and new sum to 1 exactly, so that a long memory does not drift.
    static INLINE vec next(const vec* gates, vec, vec h) { return h + Gates(gates).written * (gates[2] - h); }

    // Of what goes into f, i and g; returns what flows to h.
    static INLINE vec gradients(const vec* gates, vec, vec h, vec dh, vec (&d)[GATES]) {
        const Gates gate(gates);
        d[2] = dh * gate.written;
        const vec reach = d[2] * gate.kept * (gates[2] - h);
        d[0] = reach * (gate.f - 1.0f);
        d[1] = reach * (1.0f - gate.i);
        return dh * gate.kept;
    }
};

}  // namespace

EXPORT(minlstm, ByUnit<MinLSTM>)
