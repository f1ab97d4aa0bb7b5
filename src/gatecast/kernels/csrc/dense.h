// Kernels of cells whose gates read all units of the state: gates = W x + b + U h + c.
#pragma once

#include "backward.h"
#include "exports.h"
#include "forward.h"

template <class Cell>
struct Dense {
    using Layout = PackLayout<Cell>;
    static int64_t saved_size(int64_t, int64_t hidden) { return padded(hidden) * Cell::SAVED; }
    static void pack(float* to, const RawWeights& weights, bool for_backward) { ::pack<Cell>(to, weights, for_backward); }
    static void forward(const Sequence& s, const float* pack) { ::forward<Cell>(s, Layout(s.input, s.hidden).in(pack)); }
    static void backward(const Sequence& s, const Gradients& g, const float* pack) { ::backward<Cell>(s, g, pack); }
};
