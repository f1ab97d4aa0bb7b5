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
    // Of packed sequences: how many have a step t, and how many rows of x and out lie before those of step t; else null.
    const int64_t *rows, *starts;

    int64_t rows_at(int64_t t) const { return rows ? rows[t] : batch; }
    const float* x_at(int64_t t, int64_t row) const { return x + (starts ? starts[t] * x_row : t * x_step) + row * x_row; }
    float* out_at(int64_t t, int64_t row) const {
        return out + (starts ? starts[t] * out_row : t * out_step) + row * out_row;
    }
    int64_t saved_at(int64_t t, int64_t row) const { return (starts ? starts[t] : t * batch) + row; }
    // h of a row before step t; null for zeros.
    const float* before(int64_t t, int64_t row) const {
        if (t && row < rows_at(t - 1)) return out_at(t - 1, row);
        return first[0] ? first[0] + row * first_row[0] : nullptr;
    }
    int64_t useful_threads() const { return steps * batch * hidden * (hidden + input) < WORTH ? 1 : threads; }
};

// A step of one layer of a stack, ready to be taken again and again: sizes, strides and weights.
struct Prepared {
    Sequence sequence;
    const float* pack;
    int64_t layers;  // that lie on top of each other from here on
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

    const float* out_at(const Sequence& s, int64_t t, int64_t row) const {
        return out ? out + (s.starts ? s.starts[t] * out_row : t * out_step) + row * out_row : nullptr;
    }
    float* x_at(const Sequence& s, int64_t t, int64_t row) const {
        return x + (s.starts ? s.starts[t] * s.input : t * x_step) + row * s.input;
    }
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
