// Vectors of LANES floats, in the compiler's own vector types: one source for AVX-512, AVX2 and NEON.
#pragma once

#include <cstdint>
#include <cstring>

#define INLINE inline __attribute__((always_inline))

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

// A store that leaves the caches alone; `to` lies on a whole vector.  Other threads see it after `finish_stores`.
inline void store_past_caches(float* to, vec value) {
#if defined(__AVX512F__)
    _mm512_stream_ps(to, reinterpret_cast<__m512>(value));
#elif defined(__AVX2__)
    _mm256_stream_ps(to, reinterpret_cast<__m256>(value));
#else
    store(to, value);
#endif
}

inline void finish_stores() {
#if defined(__AVX2__)
    _mm_sfence();
#endif
}

inline vec fill(float value) {
#if defined(__AVX512F__)
    return reinterpret_cast<vec>(_mm512_set1_ps(value));
#elif defined(__AVX2__)
    return reinterpret_cast<vec>(_mm256_set1_ps(value));
#else
    return reinterpret_cast<vec>(vdupq_n_f32(value));
#endif
}

// a * b + c, rounded once.  Of a sum of two products the compiler may fuse either, and not the same one everywhere; this says
// which.
inline vec fused(vec a, vec b, vec c) {
#if defined(__AVX512F__)
    return reinterpret_cast<vec>(
        _mm512_fmadd_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif defined(__AVX2__)
    return reinterpret_cast<vec>(
        _mm256_fmadd_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
#else
    return reinterpret_cast<vec>(
        vfmaq_f32(reinterpret_cast<float32x4_t>(c), reinterpret_cast<float32x4_t>(a), reinterpret_cast<float32x4_t>(b)));
#endif
}

// The first `count` lanes; the others are zero.
inline vec load_part(const float* from, int64_t count) {
    if (count >= LANES) return load(from);
#if defined(__AVX512F__)
    return reinterpret_cast<vec>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from));
#else
    vec value{};
    for (int64_t lane = 0; lane < count; ++lane) value[lane] = from[lane];
    return value;
#endif
}

inline void store_part(float* to, vec value, int64_t count) {
    if (count >= LANES) return store(to, value);
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), reinterpret_cast<__m512>(value));
#else
    for (int64_t lane = 0; lane < count; ++lane) to[lane] = value[lane];
#endif
}

// The same operation for each of M vectors, one operation after the other: the chains of M vectors hide each other's latency.
#define EACH(i, M) _Pragma("GCC unroll 16") for (int i = 0; i < M; ++i)

// to[i] = from[i] for i < count.
inline void copy(float* to, const float* from, int64_t count) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(to + i, load(from + i));
    for (; i < count; ++i) to[i] = from[i];
}
