// sigmoid and tanh of vectors, from 2^x by a polynomial and a refined reciprocal: absolute errors below 4e-7.
//
// The same operation is written for each of M vectors, one operation after the other, so that their chains hide each other's
// latency.
#pragma once

#include "vector.h"

inline vec reciprocal_estimate(vec x) {
#if defined(__AVX512F__)
    return reinterpret_cast<vec>(_mm512_maskz_rcp14_ps(0xffff, reinterpret_cast<__m512>(x)));
#elif defined(__AVX2__)
    const vec y = reinterpret_cast<vec>(_mm256_rcp_ps(reinterpret_cast<__m256>(x)));
    return y + y * (1.0f - x * y);
#else
    const vec y = reinterpret_cast<vec>(vrecpeq_f32(reinterpret_cast<float32x4_t>(x)));
    return y + y * (1.0f - x * y);
#endif
}

// 1 / x, for x from 1 to 2^127: an estimate refined by a step of Newton's method.
template <int M>
INLINE void reciprocal_each(vec (&x)[M]) {
    vec y[M];
    EACH(i, M) y[i] = reciprocal_estimate(x[i]);
    EACH(i, M) x[i] = 1.0f - x[i] * y[i];
    EACH(i, M) x[i] = y[i] + y[i] * x[i];
}

#if defined(__AVX512F__)

// 2^(scale * x) to a relative error of 2e-7, the power at most 2^126; NaN stays NaN.
template <int M>
INLINE void exp2_each(vec (&x)[M], const float scale) {
    constexpr int DOWN = 1, QUIETLY = 8;
    vec part[M], p[M];
    EACH(i, M) x[i] = x[i] * scale;
    EACH(i, M) x[i] = reinterpret_cast<vec>(_mm512_maskz_min_ps(0xffff, _mm512_set1_ps(126.0f), reinterpret_cast<__m512>(x[i])));
    EACH(i, M) part[i] = reinterpret_cast<vec>(_mm512_maskz_reduce_ps(0xffff, reinterpret_cast<__m512>(x[i]), DOWN | QUIETLY));  // 0 to 1
    EACH(i, M) p[i] = part[i] * 1.867130166e-03f + 9.017029777e-03f;  // the least relative error of degree 5 with p(0) = 1
    EACH(i, M) p[i] = p[i] * part[i] + 5.579991266e-02f;
    EACH(i, M) p[i] = p[i] * part[i] + 2.401644439e-01f;
    EACH(i, M) p[i] = p[i] * part[i] + 6.931512952e-01f;
    EACH(i, M) p[i] = p[i] * part[i] + 1.0f;
    EACH(i, M) x[i] = reinterpret_cast<vec>(_mm512_maskz_scalef_ps(0xffff, reinterpret_cast<__m512>(p[i]), reinterpret_cast<__m512>(x[i])));  // p * 2^(the whole part)
}

#else

// x held to [-limit, limit]; NaN stays NaN.
inline vec held(vec x, float limit) {
#if defined(__AVX2__)
    const __m256 raised = _mm256_max_ps(_mm256_set1_ps(-limit), reinterpret_cast<__m256>(x));
    return reinterpret_cast<vec>(_mm256_min_ps(_mm256_set1_ps(limit), raised));
#else
    const float32x4_t raised = vmaxq_f32(vdupq_n_f32(-limit), reinterpret_cast<float32x4_t>(x));
    return reinterpret_cast<vec>(vminq_f32(vdupq_n_f32(limit), raised));
#endif
}

// 2^(scale * x) to a relative error of 2e-7, the power held to [-125, 125]; NaN stays NaN.
template <int M>
INLINE void exp2_each(vec (&x)[M], const float scale) {
    constexpr float MAGIC = 12583039.0f;  // 1.5 * 2^23 + 127: adding it leaves a whole number, as an exponent, in the low bits
    const float limit = 125.0f / (scale < 0 ? -scale : scale);
    vec whole[M], p[M];
    EACH(i, M) x[i] = held(x[i], limit);
    EACH(i, M) whole[i] = x[i] * scale + MAGIC;
    EACH(i, M) x[i] = x[i] * scale - (whole[i] - MAGIC);  // -0.5 to 0.5
    EACH(i, M) p[i] = x[i] * 1.326472731e-03f + 9.671512991e-03f;  // the least relative error of degree 5 with p(0) = 1
    EACH(i, M) p[i] = p[i] * x[i] + 5.550733581e-02f;
    EACH(i, M) p[i] = p[i] * x[i] + 2.402224243e-01f;
    EACH(i, M) p[i] = p[i] * x[i] + 6.931470037e-01f;
    EACH(i, M) p[i] = p[i] * x[i] + 1.0f;
    // 2^whole is a factor: added to the bits of p, it would make a number of a NaN with a payload.
    EACH(i, M) x[i] = p[i] * reinterpret_cast<vec>(reinterpret_cast<ivec>(whole[i]) << 23);
}

#endif

constexpr float LOG2_E = 1.44269504088896340736f;

template <int M>
INLINE void sigmoid_each(vec (&x)[M]) {
    exp2_each(x, -LOG2_E);
    EACH(i, M) x[i] = 1.0f + x[i];
    reciprocal_each(x);
}

template <int M>
INLINE void tanh_each(vec (&x)[M]) {
    exp2_each(x, 2 * LOG2_E);
    EACH(i, M) x[i] = 1.0f + x[i];
    reciprocal_each(x);
    EACH(i, M) x[i] = 1.0f - 2.0f * x[i];
}

inline vec sigmoid(vec x) {
    vec only[1] = {x};
    sigmoid_each(only);
    return only[0];
}

inline vec tanh_of(vec x) {
    vec only[1] = {x};
    tanh_each(only);
    return only[0];
}
