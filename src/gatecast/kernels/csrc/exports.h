// The C functions of a cell, by its name.
#pragma once

#include "backward.h"
#include "forward.h"
#include "packing.h"
#include "step.h"

#define EXPORT_PASSES(name, Cell)                                                                            \
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
    }

template <class Cell>
void forward_packed(const Sequence& s, const float* pack) {
    forward<Cell>(s, PackLayout<Cell>(s.input, s.hidden).in(pack));
}

#define EXPORT_CELL(name, Cell) EXPORT_PASSES(name, Cell) EXPORT_STEP(name, forward_packed<Cell>)
#define EXPORT_CELL_OF_PAIR(name, Cell) EXPORT_PASSES(name, Cell) EXPORT_STEP_OF_PAIR(name, forward_packed<Cell>)
