// The C functions of a cell of scan.h, by its name: those of exports.h, with the same arguments.
#pragma once

#include "scan_back.h"
#include "step.h"

#define EXPORT_SCAN(name, Cell)                                                                              \
    extern "C" {                                                                                             \
    int64_t name##_pack_size(int64_t input, int64_t hidden, int64_t for_backward) {                          \
        const ScanLayout<Cell> at(input, hidden);                                                            \
        return for_backward ? at.end : at.forward_end;                                                       \
    }                                                                                                        \
    int64_t name##_saved_size(int64_t input, int64_t hidden) {                                               \
        return input > FEW_INPUTS ? padded(hidden) * Cell::GATES : 0;                                        \
    }                                                                                                        \
    void name##_pack(const RawWeights* weights, float* to, int64_t for_backward) {                           \
        pack_scan<Cell>(to, *weights, for_backward);                                                         \
    }                                                                                                        \
    void name##_forward(const Sequence* s, const float* pack) { scan_forward<Cell>(*s, pack); }              \
    void name##_backward(const Sequence* s, const Gradients* g, const float* pack) {                         \
        scan_backward<Cell>(*s, *g, pack);                                                                   \
    }                                                                                                        \
    }                                                                                                        \
    EXPORT_STEP(name, scan_forward<Cell>)
