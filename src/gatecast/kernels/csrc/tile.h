// The one inner loop of every recurrence: a tile of rows x vectors in registers, accumulated over k.
//
// Every element is one chain of fused multiply-adds in the order of k, whatever the tile.  So a row's result has the same
// bits in a batch of 1 and of 1000, and steps taken one by one equal one pass.
#pragma once

#include <type_traits>

#include "vector.h"

// Weights as the inner loop reads them: blocks of LANES units, each block k by k, each k with the vectors of all gates.
struct Pack {
    const float* data;
    int64_t step;   // from k to k + 1
    int64_t block;  // from a block of units to the next
};

// acc[r][n * G + g] += a[r * row + k * next] * pack(block n, k, gate g) for k = 0 .. count - 1.
template <int R, int N, int G>
INLINE void accumulate(vec (&acc)[R][N * G], const float* a, int64_t row, int64_t next, Pack pack, int64_t count) {
    for (int64_t k = 0; k < count; ++k) {
        vec w[N * G];
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n)
#pragma GCC unroll 4
            for (int g = 0; g < G; ++g) w[n * G + g] = load(pack.data + n * pack.block + k * pack.step + g * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            const vec s = fill(a[r * row + k * next]);
#pragma GCC unroll 16
            for (int c = 0; c < N * G; ++c) acc[r][c] += w[c] * s;
        }
    }
}

// out[r][c] += sum over k of a[r * row + k * next] * b[k * b_step + c]: a matrix product over a tile of `rows` rows of any
// number, four vectors at a time; `out` and `b` are padded to whole vectors.  The sum is made apart and added as a whole: a
// total over a long series that took up each product by itself would lose the last digits of every one.
template <int R, int C>
INLINE void product_tile(float* out, int64_t out_row, const float* a, int64_t row, int64_t next, Pack b, int64_t count) {
    vec acc[R][C] = {};
    accumulate<R, 1, C>(acc, a, row, next, b, count);
    EACH(r, R)
        EACH(c, C) store(out + r * out_row + c * LANES, load(out + r * out_row + c * LANES) + acc[r][c]);
}

constexpr int PRODUCT_ROWS = SUMS / 4;
template <int R>
using Rows = std::integral_constant<int, R>;

// How many rows a product takes next: as many as fill the registers, but never so many that one or two are left over.
inline int64_t rows_at_once(int64_t left) {
    if (left >= PRODUCT_ROWS && left != PRODUCT_ROWS + 1 && left != PRODUCT_ROWS + 2) return PRODUCT_ROWS;
    return PRODUCT_ROWS > 4 && left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

template <int C>
INLINE void product_rows(int64_t rows, float* out, int64_t out_row, const float* a, int64_t row, int64_t next, Pack b,
                         int64_t count) {
    for (int64_t r = 0; r < rows;) {
        const auto tile = [&](auto number) {
            product_tile<number, C>(out + r * out_row, out_row, a + r * row, row, next, b, count);
            r += number;
        };
        switch (rows_at_once(rows - r)) {
            case PRODUCT_ROWS: tile(Rows<PRODUCT_ROWS>{}); break;
            case 4: tile(Rows<PRODUCT_ROWS >= 4 ? 4 : 1>{}); break;
            case 2: tile(Rows<2>{}); break;
            default: tile(Rows<1>{});
        }
    }
}

// out (rows, vectors * LANES) += a (rows, count) * b (count, vectors * LANES), a panel of 4 vectors of b after the other.
// From k to k + 1 of a panel it is `b_step` floats, from a panel to the next `b_panel`.
inline void product(int64_t rows, int64_t vectors, float* out, int64_t out_row, const float* a, int64_t row, int64_t next,
                    const float* b, int64_t b_step, int64_t b_panel, int64_t count) {
    for (int64_t v = 0; v < vectors; v += 4, out += 4 * LANES, b += b_panel) {
        const Pack panel{b, b_step, 0};
        if (vectors - v >= 4) product_rows<4>(rows, out, out_row, a, row, next, panel, count);
        else if (vectors - v == 3) product_rows<3>(rows, out, out_row, a, row, next, panel, count);
        else if (vectors - v == 2) product_rows<2>(rows, out, out_row, a, row, next, panel, count);
        else product_rows<1>(rows, out, out_row, a, row, next, panel, count);
    }
}
