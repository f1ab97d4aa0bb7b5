// The way back through time of the cells of scan.h: unit by unit through the gates, and, for some steps at once, the products
// that give the gradients of W and of x.  The gates are read, or, where the forward pass did not save them, made once more.
#pragma once

#include "scan.h"
#include "weight_sums.h"

// The gradients of the weights over some of the rows: W transposed, (I, gates * units), then b and u.
template <class Cell>
struct ScanSums {
    ScanSums(float* room, int64_t input, int64_t hidden)
        : units(padded(hidden)), width(Cell::GATES * units), W(room), b(W + input * width), u(b + width) {}
    static int64_t size(int64_t input, int64_t hidden) { return ((input + 1) * Cell::GATES + 1) * padded(hidden); }
    int64_t units, width;
    float *W, *b, *u;
};

template <class Cell>
struct ScanBack {
    static constexpr int G = Cell::GATES;
    const Scan<Cell>& scan;
    const Gradients& g;
    ScanSums<Cell> sums;
    float* recent;  // b and then u, over the rows that are filled
    const Sequence& s = scan.s;
    int64_t units = sums.units, features = padded(s.input);
    int64_t d_row = sums.width + LANES;  // powers of two would all meet in the same few cache lines
    int64_t from = 0, count = 0, filled = 0;
    float *dh = nullptr, *d = nullptr, *x = nullptr, *dx = nullptr;
    float* goes[TOGETHER] = {};  // where the rows of dx go

    // The rows [first, end) from the last step to the first.
    void run(int64_t first, int64_t end) {
        from = first, count = end - first, filled = 0;
        const int64_t rows = std::max<int64_t>(1, TOGETHER / count) * count;
        dh = scratch(Use::ROWS, count * units + rows * (d_row + s.input + features));
        d = dh + count * units, x = d + rows * d_row, dx = x + rows * s.input;
        std::memset(dh, 0, count * units * sizeof(float));
        for (int64_t r = 0; r < count && g.last[0]; ++r)
            std::memcpy(dh + r * units, g.last[0] + (from + r) * s.hidden, s.hidden * sizeof(float));
        for (int64_t t = s.steps - 1; t >= 0; --t) {
            const int64_t alive = std::max<int64_t>(0, std::min(s.rows_at(t), end) - from);
            step(t, alive);
            filled += alive;
            if (filled + count > rows || t == 0) flush();
        }
        for (int64_t r = 0; r < count && g.first[0]; ++r)
            std::memcpy(g.first[0] + (from + r) * s.hidden, dh + r * units, s.hidden * sizeof(float));
    }

    void step(int64_t t, int64_t alive) {
        for (int64_t r = 0; r < alive; ++r) {
            const float* of = s.x_at(t, from + r);
            float* to = x + (filled + r) * s.input;
            for (int64_t i = 0; i < s.input; ++i) to[i] = of[i * s.x_feature];
            if (g.x) goes[filled + r] = g.x_at(s, t, from + r);
        }
        for (int64_t block = 0; block < scan.blocks; ++block) {
            int64_t r = 0;
            for (; r + scan.R <= alive; r += scan.R) tile<Scan<Cell>::R>(t, r, block);
            for (; r < alive; ++r) tile<1>(t, r, block);
        }
    }

    template <int N>
    INLINE void tile(int64_t t, int64_t r, int64_t block) {
        vec gates[N][G];
        if (s.saved == nullptr) {
            scan.gates(gates, block, x + (filled + r) * s.input, s.input, 1);
        } else {
#pragma GCC unroll 8
            for (int i = 0; i < N; ++i)
#pragma GCC unroll 4
                for (int gate = 0; gate < G; ++gate) gates[i][gate] = load(scan.saved(t, from + r + i, block) + gate * LANES);
        }
        const int64_t at = block * LANES;
        const vec u = scan.u(block);
#pragma GCC unroll 8
        for (int i = 0; i < N; ++i) {
            const int64_t row = from + r + i;
            vec gradients[G], total = load(dh + (r + i) * units + at);
            if (g.out) total += load_part(g.out_at(s, t, row) + at, scan.part(block));
            const vec h = scan.before(t, row, block);
            store(dh + (r + i) * units + at, Cell::gradients(gates[i], u, h, total, gradients));
            float* to = d + (filled + r + i) * d_row + at;
#pragma GCC unroll 4
            for (int gate = 0; gate < G; ++gate) store(to + gate * units, gradients[gate]);
            if (Cell::OWN) store(recent + sums.width + at, load(recent + sums.width + at) + gradients[0] * h);
        }
    }

    // The gradients of W, b and x for the rows that are filled.
    void flush() {
        if (g.W) product(s.input, G * scan.blocks, sums.W, sums.width, x, 1, s.input, d, d_row, PANEL, filled);
        for (int64_t row = 0; row < filled && g.b; ++row)
            for (int64_t at = 0; at < sums.width; at += LANES)
                store(recent + at, load(recent + at) + load(d + row * d_row + at));
        if (g.x) input_gradients();
        hand_over();
        filled = 0;
    }

    // A number that has taken in thousands of rows would round away much of the next: so it takes in sums, as it does in
    // `product`.
    void hand_over() {
        for (int64_t i = 0; i < sums.width + units; ++i) sums.b[i] += recent[i], recent[i] = 0.0f;
    }

    void input_gradients() {
        std::memset(dx, 0, filled * features * sizeof(float));
        product(filled, features / LANES, dx, features, d, d_row, 1, scan.pack + scan.at.forward_end, PANEL,
                sums.width * PANEL, sums.width);
        for (int64_t row = 0; row < filled; ++row)
            std::memcpy(goes[row], dx + row * features, s.input * sizeof(float));
    }
};

// All rows, each thread with sums of its own; they are added in the order of the rows, so that a call repeats bit by bit.
template <class Cell>
void scan_backward(const Sequence& s, const Gradients& g, const float* pack) {
    constexpr int ORDER[] = {0, 1, 2};
    const Scan<Cell> scan{s, pack};
    const int64_t threads = scan.useful_threads(), parts = parts_of(s.batch, GRAIN, threads);
    const int64_t size = ScanSums<Cell>::size(s.input, s.hidden);
    const int64_t recent = (Cell::GATES + 1) * padded(s.hidden), share = size + recent;
    float* room = scratch(Use::SUMS, parts * share);
    over_rows(s.batch, GRAIN, threads, [&](int64_t part, int64_t first, int64_t last) {
        const QuietFloats quiet;
        float* own = room + part * share;
        std::memset(own, 0, share * sizeof(float));
        ScanBack<Cell> back{scan, g, {own, s.input, s.hidden}, own + size};
        for (int64_t row = first; row < last; row += CHUNK) back.run(row, std::min(row + CHUNK, last));
    });
    for (int64_t part = 1; part < parts; ++part)
        for (int64_t i = 0; i < size; ++i) room[i] += room[part * share + i];
    const ScanSums<Cell> all(room, s.input, s.hidden);
    if (g.W) write_transposed(g.W, all.W, ORDER, Cell::GATES, s.hidden, s.input);
    if (g.b) write_transposed(g.b, all.b, ORDER, Cell::GATES, s.hidden, 1);
    if (g.U) write_transposed(g.U, all.u, ORDER, 1, s.hidden, 1);
}
