// The LSTM: c' = f * c + i * g, h' = o * tanh(c').
#include "exports.h"

namespace {

struct LSTM {
    static constexpr int GATES = 4, SAVED = 5, MEMORIES = 1, GRADIENTS = 4;
    static constexpr bool SPLIT = false;
    static constexpr int U_ORDER[] = {0, 1, 2, 3};

    static INLINE void finish(const vec* gates, vec, Place place) {
        const vec i = sigmoid(gates[0]), f = sigmoid(gates[1]), g = tanh_of(gates[2]), o = sigmoid(gates[3]);
        const vec before = load(place.memory);
        const vec written = i * g;
        const vec c = f * before + written;
        store(place.memory, c);
        store(place.h_next, o * tanh_of(c));
        if (place.saved == nullptr) return;
        store(place.saved, i);
        store(place.saved + LANES, f);
        store(place.saved + 2 * LANES, g);
        store(place.saved + 3 * LANES, o);
        store(place.saved + 4 * LANES, before);
    }

    // Of what goes into the four gates; dc is the gradient of c, which flows back past the gates; nothing of h does.
    static INLINE vec gradients(const float* saved, vec, vec dh, float* dc, vec (&d)[GRADIENTS]) {
        const vec i = load(saved), f = load(saved + LANES), g = load(saved + 2 * LANES), o = load(saved + 3 * LANES);
        const vec before = load(saved + 4 * LANES);
        const vec written = i * g;
        const vec shown = tanh_of(f * before + written);
        const vec total = load(dc) + dh * o * (1.0f - shown * shown);
        d[0] = total * g * (i * (1.0f - i));
        d[1] = total * before * (f * (1.0f - f));
        d[2] = total * i * (1.0f - g * g);
        d[3] = dh * shown * (o * (1.0f - o));
        store(dc, total * f);
        return vec{};
    }
};

}  // namespace

EXPORT_CELL(lstm, LSTM)
