// Transposed copies of matrices of any size, a square of LANES x LANES in registers at a time.
#pragma once

#include <algorithm>

#include "vector.h"

// Two vectors and a lane each of the result comes from: of `a` below LANES, of `b` from there on.
inline vec shuffled(vec a, vec b, ivec lanes) {
#if defined(__clang__)
    vec result{};
    for (int lane = 0; lane < LANES; ++lane) result[lane] = lanes[lane] < LANES ? a[lanes[lane]] : b[lanes[lane] - LANES];
    return result;
#else
    return __builtin_shuffle(a, b, lanes);
#endif
}

// Squares of S x S lanes beside the diagonal change places.
template <int S>
INLINE void exchange(vec (&m)[LANES]) {
    ivec upper{}, lower{};
    EACH(lane, LANES) {
        upper[lane] = lane & S ? LANES + lane - S : lane;
        lower[lane] = lane & S ? LANES + lane : lane + S;
    }
    EACH(i, LANES) {
        if (i & S) continue;
        const vec a = m[i], b = m[i + S];
        m[i] = shuffled(a, b, upper);
        m[i + S] = shuffled(a, b, lower);
    }
}

INLINE void transpose_square(vec (&m)[LANES]) {
    exchange<1>(m);
    exchange<2>(m);
    if constexpr (LANES >= 8) exchange<4>(m);
    if constexpr (LANES >= 16) exchange<8>(m);
}

// to[c * to_row + r] = from[r * from_row + c] for r < rows, c < columns; rows of `to` are filled up with zeros to whole
// vectors if PADDED.
template <bool PADDED>
void transpose(float* to, int64_t to_row, const float* from, int64_t from_row, int64_t rows, int64_t columns) {
    for (int64_t r = 0; r < rows; r += LANES)
        for (int64_t c = 0; c < columns; c += LANES) {
            const int64_t high = std::min<int64_t>(LANES, rows - r), wide = std::min<int64_t>(LANES, columns - c);
            vec m[LANES];
            EACH(i, LANES) m[i] = i < high ? load_part(from + (r + i) * from_row + c, wide) : vec{};
            transpose_square(m);
            for (int64_t i = 0; i < wide; ++i) store_part(to + (c + i) * to_row + r, m[i], PADDED ? LANES : high);
        }
}
