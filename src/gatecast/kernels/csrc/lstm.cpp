// The LSTM: c' = f * c + i * g, h' = o * tanh(c').
#include "dense.h"

namespace {

struct LSTM {
    static constexpr int GATES = 4, SAVED = 5, MEMORIES = 1, GRADIENTS = 4;
    static constexpr bool SPLIT = false, TWICE = false;
    static constexpr int U_ORDER[] = {0, 1, 2, 3};

    template <int M>
    static INLINE void finish(vec (&gates)[M][GATES], const vec (&)[M], const Place (&at)[M]) {
        vec ifo[3 * M], g[M], shown[M];
        EACH(i, M) ifo[i] = gates[i][0], ifo[M + i] = gates[i][1], ifo[2 * M + i] = gates[i][3];
        EACH(i, M) g[i] = gates[i][2];
        sigmoid_each(ifo);
        tanh_each(g);
        EACH(i, M) {
            const vec before = load(at[i].memory);
            shown[i] = fused(ifo[i], g[i], ifo[M + i] * before);
            store(at[i].memory, shown[i]);
            if (at[i].saved == nullptr) continue;
            at[i].save(0, ifo[i]);
            at[i].save(1, ifo[M + i]);
            at[i].save(2, g[i]);
            at[i].save(3, ifo[2 * M + i]);
            at[i].save(4, before);
        }
        tanh_each(shown);
        EACH(i, M) store(at[i].h_next, ifo[2 * M + i] * shown[i]);
    }

    // Of what goes into the four gates; dc is the gradient of c, which flows back past the gates; nothing of h does.
    static INLINE vec gradients(const float* saved, vec, vec, vec dh, float* dc, vec (&d)[GRADIENTS]) {
        const vec i = load(saved), f = load(saved + LANES), g = load(saved + 2 * LANES), o = load(saved + 3 * LANES);
        const vec before = load(saved + 4 * LANES);
        const vec shown = tanh_of(fused(i, g, f * before));
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

EXPORT_OF_PAIR(lstm, Dense<LSTM>)
