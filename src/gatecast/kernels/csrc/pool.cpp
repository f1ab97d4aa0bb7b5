#include "pool.h"

#include "arguments.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

namespace {

using std::chrono::microseconds, std::chrono::steady_clock;

constexpr microseconds WATCHING{1000};  // how long a caller who has nothing left to do watches for the others to finish
// Parts for each thread: a thread that other work keeps from its processor leaves some of its share to the others.
constexpr int64_t SHARES = 2;

inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    asm volatile("yield");
#endif
}

// Look again and again, which takes less than to fall asleep and be woken; but not for long.
template <class Done>
void watch(const Done& done) {
    for (const auto end = steady_clock::now() + WATCHING; !done() && steady_clock::now() < end;)
        for (int turn = 0; turn < 8; ++turn) pause();
}

// One job at a time; its parts are handed to the workers, and the caller takes the first.
class Pool {
   public:
    void run(int64_t parts, int64_t threads, const std::function<void(int64_t)>& work) {
        std::unique_lock<std::mutex> turn(turn_);
        {
            std::lock_guard<std::mutex> lock(state_);
            while (workers_ < threads - 1) start();
            work_ = &work, left_ = parts - 1, next_ = 1, parts_ = parts, wanted_ = threads - 1;
        }
        ready_.notify_all();
        work(0);
        std::unique_lock<std::mutex> lock(state_);
        while (next_ < parts_) take_part(lock);  // workers that have not woken yet leave their parts to the caller
        lock.unlock();
        watch([this] { return left_ == 0; });
        lock.lock();
        done_.wait(lock, [this] { return left_ == 0; });
    }

   private:
    void take_part(std::unique_lock<std::mutex>& lock) {
        const int64_t part = next_++;
        const auto* work = work_;
        lock.unlock();
        (*work)(part);
        lock.lock();
        --left_;
    }

    void start() {
        std::thread([this] { serve(); }).detach();
        ++workers_;
    }

    void serve() {
        std::unique_lock<std::mutex> lock(state_);
        for (;;) {
            ready_.wait(lock, [this] { return next_ < parts_ && helping_ < wanted_; });
            ++helping_;
            while (next_ < parts_) {
                take_part(lock);
                if (left_ == 0) done_.notify_one();
            }
            --helping_;
        }
    }

    std::mutex turn_, state_;
    std::condition_variable ready_, done_;
    const std::function<void(int64_t)>* work_ = nullptr;
    int64_t next_ = 0, parts_ = 0, workers_ = 0, wanted_ = 0, helping_ = 0;
    std::atomic<int64_t> left_{0};  // changed under the lock, watched without it
};

// The pool is never destroyed: its workers may outlive static objects.  A forked child gets a fresh one, because threads
// do not survive a fork and the old one's locks may be held.
Pool* pool = new Pool;

void after_fork() { pool = new (std::nothrow) Pool; }

const int registered = pthread_atfork(nullptr, nullptr, after_fork);

struct Memory {
    ~Memory() { std::free(data); }
    float* data = nullptr;
    int64_t size = 0;
};

}  // namespace

int64_t parts_of(int64_t rows, int64_t grain, int64_t threads) {
    return threads == 1 ? 1 : std::max<int64_t>(1, std::min((rows + grain - 1) / grain, SHARES * threads));
}

void over_rows(int64_t rows, int64_t grain, int64_t threads, const std::function<void(int64_t, int64_t, int64_t)>& work) {
    const int64_t parts = parts_of(rows, grain, threads), grains = (rows + grain - 1) / grain;
    const auto part = [&](int64_t p) {
        work(p, grains * p / parts * grain, std::min(rows, grains * (p + 1) / parts * grain));
    };
    if (parts == 1) return part(0);
    pool->run(parts, threads, part);
}

float* scratch(Use use, int64_t floats) {
    thread_local Memory memories[2];
    Memory& memory = memories[static_cast<int>(use)];
#if defined(__SANITIZE_ADDRESS__)
    memory.size = 0;  // what is larger than asked for would hide a step beyond the end
#endif
    if (memory.size < floats) {
        std::free(memory.data);
        memory.data = static_cast<float*>(std::aligned_alloc(64, (floats * sizeof(float) + 127) / 64 * 64));
        memory.size = floats;
        if (memory.data == nullptr) std::abort();
    }
    return memory.data;
}

#if defined(__x86_64__)
#include <immintrin.h>
namespace {
constexpr unsigned FLUSH_AND_ZERO = 0x8040;
}
QuietFloats::QuietFloats() : before_(_mm_getcsr()) { _mm_setcsr(static_cast<unsigned>(before_) | FLUSH_AND_ZERO); }
QuietFloats::~QuietFloats() { _mm_setcsr(static_cast<unsigned>(before_)); }
#else
QuietFloats::QuietFloats() : before_(0) {
    uint64_t now;
    asm volatile("mrs %0, fpcr" : "=r"(now));
    before_ = now;
    asm volatile("msr fpcr, %0" : : "r"(now | (1u << 24)));
}
QuietFloats::~QuietFloats() { asm volatile("msr fpcr, %0" : : "r"(before_)); }
#endif
