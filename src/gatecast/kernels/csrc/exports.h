// The C functions of a cell, by its name.
#pragma once

#include "backward.h"
#include "forward.h"
#include "packing.h"

// `step` takes one step: of `prepared` it reads sizes and strides, and the pointers come beside it, so that calls from
// several threads can share it.
#define EXPORT_CELL(name, Cell)                                                                              \
    extern "C" {                                                                                             \
    int64_t name##_pack_size(int64_t input, int64_t hidden, int64_t for_backward) {                          \
        const PackLayout<Cell> at(input, hidden);                                                            \
        return for_backward ? at.end : at.forward_end;                                                       \
    }                                                                                                        \
    int64_t name##_saved_size(int64_t, int64_t hidden) { return padded(hidden) * Cell::SAVED; }              \
    void name##_pack(const RawWeights* weights, float* to, int64_t for_backward) {                           \
        pack<Cell>(to, *weights, for_backward);                                                              \
    }                                                                                                        \
    void name##_forward(const Sequence* s, const float* pack) {                                              \
        forward<Cell>(*s, PackLayout<Cell>(s->input, s->hidden).in(pack));                                   \
    }                                                                                                        \
    void name##_backward(const Sequence* s, const Gradients* g, const float* pack) {                         \
        backward<Cell>(*s, *g, pack);                                                                        \
    }                                                                                                        \
    void name##_step(const Sequence* prepared, const float* pack, const float* x, const float* h,            \
                     float* h_after, const float* c, float* c_after) {                                       \
        Sequence s = *prepared;                                                                              \
        s.x = x, s.out = h_after;                                                                            \
        s.first[0] = h, s.first[1] = c, s.last[1] = c_after;                                                 \
        forward<Cell>(s, PackLayout<Cell>(s.input, s.hidden).in(pack));                                      \
    }                                                                                                        \
    }
