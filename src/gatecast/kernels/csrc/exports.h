// The C functions of a kernel, by its name.  What they do says a Kind: `Dense` or `ByUnit` of a cell.
#pragma once

#include "packing.h"
#include "step.h"

#define EXPORT_PASSES(name, Kind)                                                                            \
    extern "C" {                                                                                             \
    int64_t name##_pack_size(int64_t input, int64_t hidden, int64_t for_backward) {                          \
        const Kind::Layout at(input, hidden);                                                                \
        return for_backward ? at.end : at.forward_end;                                                       \
    }                                                                                                        \
    int64_t name##_saved_size(int64_t input, int64_t hidden) { return Kind::saved_size(input, hidden); }     \
    void name##_pack(const RawWeights* weights, float* to, int64_t for_backward) {                           \
        Kind::pack(to, *weights, for_backward);                                                              \
    }                                                                                                        \
    void name##_forward(const Sequence* s, const float* pack) { Kind::forward(*s, pack); }                   \
    void name##_backward(const Sequence* s, const Gradients* g, const float* pack) {                         \
        Kind::backward(*s, *g, pack);                                                                        \
    }                                                                                                        \
    }

#define EXPORT(name, Kind) EXPORT_PASSES(name, Kind) EXPORT_STEP(name, Kind::forward)
#define EXPORT_OF_PAIR(name, Kind) EXPORT_PASSES(name, Kind) EXPORT_STEP_OF_PAIR(name, Kind::forward)
