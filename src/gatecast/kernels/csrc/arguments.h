// What Python hands over: raw pointers and strides, counted in floats.  No header of torch or Python is needed.
#pragma once

#include <cstdint>

#include "tile.h"

constexpr int64_t CHUNK = 32;  // rows that run through all time together
constexpr int64_t GRAIN = 8;   // threads share the rows in multiples of this
constexpr int64_t WORTH = 1 << 20;  // multiplications below which waking a thread costs more than it brings

extern "C" {

// A sequence and where its results go.
struct Sequence {
    int64_t steps, batch, input, hidden, threads;
    const float* x;  // (T, B, I) with any strides
    int64_t x_step, x_row, x_feature;
    float* out;  // (T, B, H), units next to each other
    int64_t out_step, out_row;
    const float* first[2];  // h and, for the LSTM, c before the first step, (B, H); null for zeros
    int64_t first_row[2];
    float* last[2];  // after the last step, (B, H) without gaps; null where not wanted
    float* saved;    // (T, B, blocks, numbers, LANES) for the backward pass, or null

    int64_t useful_threads() const { return steps * batch * hidden * (hidden + input) < WORTH ? 1 : threads; }
};

// Gradients in and out, beside the sequence they belong to.
struct Gradients {
    const float* out;  // to the output, (T, B, H) with any strides but for units; null for zeros
    int64_t out_step, out_row;
    const float* last[2];  // to the last states, (B, H) without gaps; null for zeros
    float* x;              // (T, B, I), rows without gaps, or null
    int64_t x_step;
    float* first[2];       // (B, H) without gaps, or null
    float *W, *U, *b, *c;  // as torch.nn's, without gaps, or null
};
}

// Weights in the order of the inner loops.
struct Packed {
    const float* bias;   // (blocks, biases, LANES)
    const float* input;  // (blocks, I, gates, LANES)
    const float* state;  // (blocks, H, gates, LANES)

    Pack input_block(int64_t block, int64_t count, int64_t gates) const {
        return {input + block * count * gates * LANES, gates * LANES, count * gates * LANES};
    }
    Pack state_block(int64_t block, int64_t count, int64_t gates) const {
        return {state + block * count * gates * LANES, gates * LANES, count * gates * LANES};
    }
};

// While it lives, numbers too small for full precision count as zero on this thread: they cost a hundred times as much.
class QuietFloats {
   public:
    QuietFloats();
    ~QuietFloats();
    QuietFloats(const QuietFloats&) = delete;
    QuietFloats& operator=(const QuietFloats&) = delete;

   private:
    uint64_t before_;
};
