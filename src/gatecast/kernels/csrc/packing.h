// Weights as torch.nn keeps them, (gates * H, I) and (gates * H, H), brought into the order of the inner loops.
#pragma once

#include <algorithm>

#include "arguments.h"
#include "transposing.h"

extern "C" {
// All with units next to each other; U may be null (no recurrent product), b and c null (no biases).
struct RawWeights {
    const float *W, *U, *b, *c;
    int64_t input, hidden;
};
}

inline int64_t padded(int64_t count) { return (count + LANES - 1) / LANES * LANES; }

constexpr int64_t PANEL = 4 * LANES;  // columns that a product takes together
inline int64_t panels(int64_t count) { return (count + PANEL - 1) / PANEL; }

// Where each part of a pack starts, in floats.
template <class Cell>
struct PackLayout {
    static constexpr int BIASES = Cell::GATES + (Cell::SPLIT ? 1 : 0);
    explicit PackLayout(int64_t input, int64_t hidden) {
        const int64_t units = padded(hidden);
        bias = 0;
        W = bias + BIASES * units;
        U = W + input * Cell::GATES * units;
        forward_end = U + hidden * Cell::GATES * units;
        U_back = forward_end;
        W_back = U_back + Cell::GATES * units * panels(hidden) * PANEL;
        end = W_back + Cell::GATES * units * panels(input) * PANEL;
    }
    Packed in(const float* pack) const { return {pack + bias, pack + W, pack + U}; }
    int64_t bias, W, U, forward_end, U_back, W_back, end;
};

// to[block][k][gate][lane] = from[gate * hidden + unit][k]
inline void pack_matrix(float* to, const float* from, int64_t gates, int64_t hidden, int64_t count) {
    for (int64_t unit = 0; unit < hidden; unit += LANES, to += count * gates * LANES)
        for (int64_t gate = 0; gate < gates; ++gate)
            transpose<true>(to + gate * LANES, gates * LANES, from + (gate * hidden + unit) * count, count,
                            std::min<int64_t>(LANES, hidden - unit), count);
}

// to[panel][column * units + unit][k of the panel] = from[order[column] * hidden + unit][k], zeros where there is none.
inline void pack_back(float* to, const float* from, const int* order, int64_t gates, int64_t hidden, int64_t count) {
    const int64_t units = padded(hidden);
    std::memset(to, 0, gates * units * panels(count) * PANEL * sizeof(float));
    for (int64_t k = 0; k < count; k += PANEL, to += gates * units * PANEL)
        for (int64_t column = 0; column < gates; ++column)
            for (int64_t unit = 0; unit < hidden; ++unit)
                copy(to + (column * units + unit) * PANEL, from + (order[column] * hidden + unit) * count + k,
                     std::min(count - k, PANEL));
}

// The biases of a block: those of the gates, summed; of a SPLIT last gate first the input's and then the state's.
template <class Cell>
void pack_bias(float* to, const RawWeights& w) {
    for (int64_t block = 0; block * LANES < w.hidden; ++block)
        for (int gate = 0; gate < PackLayout<Cell>::BIASES; ++gate, to += LANES)
            for (int64_t lane = 0; lane < LANES; ++lane) {
                const int64_t unit = block * LANES + lane;
                const bool apart = Cell::SPLIT && gate >= Cell::GATES - 1;
                const int64_t row = (gate < Cell::GATES ? gate : Cell::GATES - 1) * w.hidden + unit;
                const bool here = unit < w.hidden;
                const float b = here && w.b && gate < Cell::GATES ? w.b[row] : 0.0f;
                const float c = here && w.c && (!apart || gate == Cell::GATES) ? w.c[row] : 0.0f;
                to[lane] = b + c;
            }
}

template <class Cell>
void pack(float* to, const RawWeights& w, bool for_backward) {
    const PackLayout<Cell> at(w.input, w.hidden);
    constexpr int W_ORDER[] = {0, 1, 2, 3};
    pack_bias<Cell>(to + at.bias, w);
    pack_matrix(to + at.W, w.W, Cell::GATES, w.hidden, w.input);
    pack_matrix(to + at.U, w.U, Cell::GATES, w.hidden, w.hidden);
    if (!for_backward) return;
    pack_back(to + at.U_back, w.U, Cell::U_ORDER, Cell::GATES, w.hidden, w.hidden);
    pack_back(to + at.W_back, w.W, W_ORDER, Cell::GATES, w.hidden, w.input);
}
