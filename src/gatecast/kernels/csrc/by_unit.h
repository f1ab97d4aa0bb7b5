// Kernels of cells of which a unit reads no other unit's state.
#pragma once

#include "exports.h"
#include "scan_back.h"

template <class Cell>
struct ByUnit {
    using Layout = ScanLayout<Cell>;
    static int64_t saved_size(int64_t input, int64_t hidden) {
        return input > FEW_INPUTS ? padded(hidden) * Cell::GATES : 0;
    }
    static void pack(float* to, const RawWeights& weights, bool for_backward) { pack_scan<Cell>(to, weights, for_backward); }
    static void forward(const Sequence& s, const float* pack) { scan_forward<Cell>(s, pack); }
    static void backward(const Sequence& s, const Gradients& g, const float* pack) { scan_backward<Cell>(s, g, pack); }
};
