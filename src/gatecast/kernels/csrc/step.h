// One step of a stack of layers, each of which reads the h that the one below has just made.
#pragma once

#include "arguments.h"

using Pass = void(const Sequence&, const float* pack);

// Sizes and strides are only read, and the pointers come beside them, so that calls from several threads can share them.
// The states are (layers, B, H) without gaps; c is null for cells without.
template <Pass pass>
void take_step(const Prepared* layer, const float* x, const float* h, float* h_after, const float* c, float* c_after) {
    for (int64_t left = layer->layers; left > 0; --left, ++layer) {
        Sequence s = layer->sequence;
        s.x = x, s.out = h_after;
        s.first[0] = h, s.first[1] = c, s.last[1] = c_after;
        pass(s, layer->pack);
        const int64_t size = s.batch * s.hidden;
        x = h_after, h += size, h_after += size;
        if (c) c += size, c_after += size;
    }
}

#define EXPORT_STEP(name, pass)                                                                              \
    extern "C" void name##_step(const Prepared* bottom, const float* x, const float* h, float* h_after) {    \
        take_step<pass>(bottom, x, h, h_after, nullptr, nullptr);                                            \
    }

#define EXPORT_STEP_OF_PAIR(name, pass)                                                                      \
    extern "C" void name##_step(const Prepared* bottom, const float* x, const float* h, float* h_after,      \
                                const float* c, float* c_after) {                                            \
        take_step<pass>(bottom, x, h, h_after, c, c_after);                                                  \
    }
