// Vectors of LANES floats, in the compiler's own vector types: one source for AVX-512, AVX2 and NEON.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
#include <immintrin.h>
constexpr int LANES = 16;
constexpr int SUMS = 24;  // registers of 32 that hold sums; the others hold weights and one factor
#elif defined(__AVX2__)
#include <immintrin.h>
constexpr int LANES = 8;
constexpr int SUMS = 12;  // of 16
#elif defined(__ARM_NEON)
#include <arm_neon.h>
constexpr int LANES = 4;
constexpr int SUMS = 24;
#else
#error "no vector instructions: build with -mavx2 -mfma, with -mavx512f, or for a processor with NEON"
#endif

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec __attribute__((vector_size(LANES * 4)));
typedef float loose_vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

inline vec load(const float* from) { return *reinterpret_cast<const loose_vec*>(from); }
inline void store(float* to, vec value) { *reinterpret_cast<loose_vec*>(to) = value; }

inline vec fill(float value) {
#if defined(__AVX512F__)
    return reinterpret_cast<vec>(_mm512_set1_ps(value));
#elif defined(__AVX2__)
    return reinterpret_cast<vec>(_mm256_set1_ps(value));
#else
    return reinterpret_cast<vec>(vdupq_n_f32(value));
#endif
}

// The first `count` lanes; the others are zero.
inline vec load_part(const float* from, int count) {
    if (count >= LANES) return load(from);
    vec value{};
    std::memcpy(&value, from, sizeof(float) * count);
    return value;
}

inline void store_part(float* to, vec value, int count) {
    if (count >= LANES) return store(to, value);
    std::memcpy(to, &value, sizeof(float) * count);
}

// 1 / x, for x from 1 to 2^127: an estimate refined by one or two steps of Newton's method.
inline vec reciprocal(vec x) {
#if defined(__AVX512F__)
    vec y = reinterpret_cast<vec>(_mm512_rcp14_ps(reinterpret_cast<__m512>(x)));
    return y + y * (1.0f - x * y);
#elif defined(__AVX2__)
    vec y = reinterpret_cast<vec>(_mm256_rcp_ps(reinterpret_cast<__m256>(x)));
    y = y + y * (1.0f - x * y);
    return y + y * (1.0f - x * y);
#else
    return 1.0f / x;
#endif
}

// 2^x to a relative error of 2e-7; x is held to [-125, 125], and NaN stays NaN.
inline vec exp2_of(vec x) {
    x = x < -125.0f ? fill(-125.0f) : x;
    x = x > 125.0f ? fill(125.0f) : x;
    const vec magic = fill(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number in the low bits
    const vec rounded = x + magic;
    const vec f = x - (rounded - magic);  // -0.5 to 0.5
    vec p = fill(1.535336188319500e-4f);  // Cephes, exp2f
    p = p * f + 1.339887440266574e-3f;
    p = p * f + 9.618437357674640e-3f;
    p = p * f + 5.550332471162809e-2f;
    p = p * f + 2.402264791363012e-1f;
    p = p * f + 6.931472028550421e-1f;
    p = p * f + 1.0f;
    const ivec whole = reinterpret_cast<ivec>(rounded) - reinterpret_cast<ivec>(magic);
    const ivec power = (whole + 127) << 23;
    return p * reinterpret_cast<vec>(power);
}

constexpr float LOG2_E = 1.44269504088896340736f;

inline vec sigmoid(vec x) { return reciprocal(1.0f + exp2_of(x * -LOG2_E)); }
inline vec tanh_of(vec x) { return 1.0f - 2.0f * reciprocal(1.0f + exp2_of(x * (2 * LOG2_E))); }
