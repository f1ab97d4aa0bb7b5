// The C functions of a cell of scan.h, by its name: those of exports.h, with the same arguments.
#pragma once

#include "scan_back.h"

// `step` takes one step: of `prepared` it reads sizes and strides, and the pointers come beside it, so that calls from
// several threads can share it.
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
    void name##_step(const Sequence* prepared, const float* pack, const float* x, const float* h,            \
                     float* h_after, const float*, float*) {                                                 \
        Sequence s = *prepared;                                                                              \
        s.x = x, s.out = h_after, s.first[0] = h;                                                            \
        scan_forward<Cell>(s, pack);                                                                         \
    }                                                                                                        \
    }
