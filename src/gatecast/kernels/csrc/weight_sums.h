// Where the gradients of the weights are summed up, and how they come from there into torch.nn's order.
#pragma once

#include "arguments.h"
#include "packing.h"

constexpr int64_t TOGETHER = 128;  // rows x steps whose weight gradients are taken in one product

// The gradients of the weights over some of the rows, transposed: (k, columns).  W has a row more than x has features: there
// x is 1, and the sum is the gradient of a bias.  Columns that W does not have are summed apart.
struct WeightSums {
    WeightSums(float* room, int64_t input, int64_t hidden, int64_t gates)
        : width(gates * padded(hidden)), U(room), W(U + hidden * width), bias(W + input * width), apart(bias + width) {}
    static int64_t size(int64_t input, int64_t hidden, int64_t gates, int64_t columns) {
        return ((hidden + input + 1) * gates + columns - gates) * padded(hidden);
    }
    int64_t width;
    float *U, *W, *bias, *apart;
};

// to[order[column] * hidden + unit][k] = from[k][column * units + unit]
inline void write_transposed(float* to, const float* from, const int* order, int64_t gates, int64_t hidden, int64_t count) {
    const int64_t units = padded(hidden);
    for (int64_t column = 0; column < gates; ++column)
        transpose<false>(to + order[column] * hidden * count, count, from + column * units, gates * units, count, hidden);
}

// The gradients that are asked for, of all rows.
template <class Cell>
void write_gradients(const Gradients& g, const WeightSums& all, int64_t input, int64_t hidden) {
    constexpr int W_ORDER[] = {0, 1, 2, 3};
    if (g.U) write_transposed(g.U, all.U, Cell::U_ORDER, Cell::GATES, hidden, hidden);
    if (g.W) write_transposed(g.W, all.W, W_ORDER, Cell::GATES, hidden, input);
    for (int64_t gate = 0; gate < Cell::GATES; ++gate) {
        const float* sum = all.bias + gate * padded(hidden);
        const float* recurrent = Cell::GRADIENTS > Cell::GATES && gate == Cell::GATES - 1 ? all.apart : sum;
        if (g.b) copy(g.b + gate * hidden, sum, hidden);
        if (g.c) copy(g.c + gate * hidden, recurrent, hidden);
    }
}
