/*
 * Ringmain for C++17 and later: handles that close themselves, and exceptions instead of codes. Header only; what is said in ringmain.h
 * of limits, units, threads and lifetimes holds here too.
 *
 * Handles are moved, never copied, and closed by their destructors. A call that fails throws ringmain::error. To receive or poll nothing in
 * time is no failure: an empty optional, or none.
 *
 *     ringmain::hub hub = ringmain::hub::memory();
 *     ringmain::queue jobs = hub.open_queue("jobs", ringmain::queue_options().dead_letter("jobs.dead"));
 *     jobs.send("N14228");
 *     if (auto job = jobs.receive(std::chrono::seconds(1))) {
 *         std::cout << job->text() << "\n";
 *         job->ack();
 *     }
 */

#ifndef RINGMAIN_HPP
#define RINGMAIN_HPP

#include "ringmain.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(__has_include)
#if __has_include(<version>)
#include <version>
#endif
#endif
#if defined(__cpp_lib_span)
#include <span>
#endif

namespace ringmain {

#if defined(__cpp_lib_span)
/* The standard's, where there is one. */
template <class T> using span = std::span<T>;
#else
/* As much of std::span as is needed before C++20: a pointer and a length, which own nothing. */
template <class T> class span {
  public:
    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr T &operator[](std::size_t index) const { return data_[index]; }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};
#endif

using bytes = span<const std::byte>;
using milliseconds = std::chrono::milliseconds;

/* Waits until there is something or the hub is closed. */
inline constexpr milliseconds forever = milliseconds::max();

/* A call that failed: its code, one of RINGMAIN_ERROR_*, and the words of it. */
class error : public std::runtime_error {
  public:
    error(std::int32_t code, const char *message, std::int32_t system)
        : std::runtime_error(message), code_(code), errno_(system) {}
    std::int32_t code() const noexcept { return code_; }
    /* Such as "LEASE_LOST". */
    const char *name() const noexcept { return ringmain_error_name(code_); }
    /* The system's error number; 0 where the system was not the cause. */
    std::int32_t system_error() const noexcept { return errno_; }

  private:
    std::int32_t code_;
    std::int32_t errno_;
};

namespace detail {

inline void check(std::int32_t code) {
    if (code != RINGMAIN_OK)
        throw error(code, ringmain_last_error_message(), ringmain_last_error_errno());
}

/* Negative is no time. */
inline std::uint64_t count(milliseconds time) {
    if (time == forever)
        return RINGMAIN_WAIT_FOREVER;
    return time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count());
}

inline std::string_view text(const void *data, std::size_t size) {
    return size == 0 ? std::string_view() : std::string_view(static_cast<const char *>(data), size);
}

inline bytes view(const void *data, std::size_t size) { return bytes(static_cast<const std::byte *>(data), size); }

/* Closes what it holds; 0 is nothing. */
template <std::int32_t (*Close)(std::uint64_t)> class handle {
  public:
    handle() noexcept = default;
    explicit handle(std::uint64_t number) noexcept : number_(number) {}
    handle(handle &&other) noexcept : number_(std::exchange(other.number_, 0)) {}
    handle &operator=(handle &&other) noexcept {
        if (this != &other) {
            Close(number_);
            number_ = std::exchange(other.number_, 0);
        }
        return *this;
    }
    handle(const handle &) = delete;
    handle &operator=(const handle &) = delete;
    ~handle() { Close(number_); }

    std::uint64_t get() const noexcept { return number_; }
    std::uint64_t release() noexcept { return std::exchange(number_, 0); }

  private:
    std::uint64_t number_ = 0;
};

/* What a function stores as text. */
template <class Call> std::string json(Call call) {
    ringmain_text text = 0;
    check(call(&text));
    const handle<ringmain_text_close> owned(text);
    const char *data = nullptr;
    std::size_t size = 0;
    check(ringmain_text_get(text, &data, &size));
    return std::string(data, size);
}

inline std::int32_t close_hub(std::uint64_t hub) { return ringmain_hub_close(hub, 10000); }

} // namespace detail

/* A message on its way in. It borrows everything until the call that it is given to returns. */
class message {
  public:
    message(std::string_view value) : message(value.data(), value.size()) {}
    message(const char *value) : message(std::string_view(value)) {}
    message(const std::string &value) : message(std::string_view(value)) {}
    message(bytes value) : message(value.data(), value.size()) {}

    /* Chooses the partition of a stream, and is a label on a queue. */
    message &key(std::string_view key) {
        /* Not NULL even if it is empty, which would be none. */
        raw_.key = key.data() == nullptr ? "" : key.data();
        raw_.key_bytes = key.size();
        return *this;
    }
    message &header(std::string_view name, std::string_view value) {
        headers_.push_back({name.data(), name.size(), value.data() == nullptr ? "" : value.data(), value.size()});
        return *this;
    }
    /* Queues only: not before so much time has passed. */
    message &delay(milliseconds delay) {
        raw_.delay_ms = detail::count(delay);
        return *this;
    }
    /* Queues only: not before this time, in nanoseconds since 1970. */
    message &deliver_at_ns(std::uint64_t time_ns) {
        raw_.deliver_at_ns = time_ns;
        return *this;
    }
    /* When what it tells of happened, in nanoseconds since 1970. */
    message &event_time_ns(std::uint64_t time_ns) {
        raw_.event_time_ns = time_ns;
        return *this;
    }

    /* Queues only: 0 to 9, the largest first; 4 if it is not said. */
    message &priority(std::uint8_t priority) {
        raw_.has_priority = 1;
        raw_.priority = priority;
        return *this;
    }
    /* Queues only: those of one ordering key are delivered one at a time, in order. */
    message &ordering_key(std::string_view key) {
        raw_.ordering_key = key.data() == nullptr ? "" : key.data();
        raw_.ordering_key_bytes = key.size();
        return *this;
    }
    /* Queues only: a message whose key the queue still remembers is not sent again. */
    message &dedup_key(std::string_view key) {
        raw_.dedup_key = key.data() == nullptr ? "" : key.data();
        raw_.dedup_key_bytes = key.size();
        return *this;
    }
    /* Queues only: how long it may wait; 0 for as long as the queue says. */
    message &ttl(milliseconds ttl) {
        raw_.ttl_ms = detail::count(ttl);
        return *this;
    }
    /* Queues only: failures after which it is exhausted; 0 for as many as the queue says. */
    message &max_failures(std::uint32_t count) {
        raw_.max_failures = count;
        return *this;
    }
    /* Streams only: the key has no value any more. */
    static message tombstone(std::string_view key) {
        message message{std::string_view()};
        message.raw_.is_tombstone = 1;
        return message.key(key);
    }

    /* For the functions of ringmain.h: valid as long as this is neither changed, moved nor destroyed. */
    ringmain_message raw() const {
        ringmain_message raw = raw_;
        raw.headers = headers_.data();
        raw.header_count = headers_.size();
        return raw;
    }

  private:
    message(const void *value, std::size_t value_bytes) {
        raw_.size = sizeof raw_;
        raw_.value = value;
        raw_.value_bytes = value_bytes;
    }

    ringmain_message raw_ = {};
    std::vector<ringmain_header> headers_;
};

namespace detail {

inline std::vector<ringmain_message> raw(span<const message> messages) {
    std::vector<ringmain_message> raw;
    raw.reserve(messages.size());
    for (const message &message : messages)
        raw.push_back(message.raw());
    return raw;
}

} // namespace detail

/* One message, leased. Unsettled when it is destroyed, it is released. */
class delivery {
  public:
    explicit delivery(ringmain_delivery owned) : handle_(owned) {
        info_.size = sizeof info_;
        detail::check(ringmain_delivery_get(owned, &info_));
    }
    delivery(delivery &&) noexcept = default;
    delivery &operator=(delivery &&) noexcept = default;

    std::uint64_t id() const noexcept { return info_.id; }
    /* These live as long as the delivery. */
    bytes value() const noexcept { return detail::view(info_.value, info_.value_bytes); }
    std::string_view text() const noexcept { return detail::text(info_.value, info_.value_bytes); }
    std::optional<std::string_view> key() const noexcept {
        if (info_.key == nullptr)
            return std::nullopt;
        return detail::text(info_.key, info_.key_bytes);
    }
    std::optional<std::string_view> header(const std::string &name) const {
        ringmain_header header;
        detail::check(ringmain_delivery_header(get(), name.c_str(), &header));
        if (header.value == nullptr)
            return std::nullopt;
        return detail::text(header.value, header.value_bytes);
    }
    std::uint64_t time_ns() const noexcept { return info_.time_ns; }
    std::uint32_t attempts() const noexcept { return info_.attempts; }
    std::uint32_t failures() const noexcept { return info_.failures; }

    void ack() { detail::check(ringmain_delivery_ack(get())); }
    /* With a result, which the queue's history tells. */
    void ack_with(std::string_view result) {
        detail::check(ringmain_delivery_ack_with(get(), result.data(), result.size()));
    }
    /* After the queue's retry delay. */
    void fail(std::string_view reason) {
        detail::check(ringmain_delivery_fail(get(), reason.data(), reason.size(), RINGMAIN_DELAY_POLICY));
    }
    void fail_after(std::string_view reason, milliseconds delay) {
        const auto count = static_cast<std::int64_t>(detail::count(delay));
        detail::check(ringmain_delivery_fail(get(), reason.data(), reason.size(), count));
    }
    /* What becomes of it the queue's options say of the class. */
    void fail_as(std::string_view error_class, std::string_view reason) {
        detail::check(ringmain_delivery_fail_as(get(), error_class.data(), error_class.size(), reason.data(),
                                                reason.size()));
    }
    /* No message of its key, or of the queue, for so long; no failure. */
    void rate_limited(milliseconds retry_after) {
        detail::check(ringmain_delivery_rate_limited(get(), detail::count(retry_after)));
    }
    /* Only queue::receive_deferred gives it out from now on. */
    void defer() { detail::check(ringmain_delivery_defer(get())); }
    bool is_cancelled() const {
        std::int32_t is_cancelled = 0;
        detail::check(ringmain_delivery_is_cancelled(get(), &is_cancelled));
        return is_cancelled != 0;
    }
    void release(milliseconds delay = milliseconds(0)) {
        detail::check(ringmain_delivery_release(get(), detail::count(delay)));
    }
    void reject(std::string_view reason) {
        detail::check(ringmain_delivery_reject(get(), reason.data(), reason.size()));
    }
    void extend(milliseconds duration) { detail::check(ringmain_delivery_extend(get(), detail::count(duration))); }

    /* For the functions of ringmain.h. */
    ringmain_delivery get() const noexcept { return handle_.get(); }

  private:
    detail::handle<ringmain_delivery_close> handle_;
    ringmain_message_info info_ = {};
};

/* Options of a queue; what is not said is the default, or stays as it is. */
class queue_options {
  public:
    queue_options() { raw_.size = sizeof raw_; }
    queue_options &lease(milliseconds lease) {
        raw_.lease_ms = detail::count(lease);
        return *this;
    }
    queue_options &dead_letter(std::string name) {
        dead_letter_ = std::move(name);
        return *this;
    }
    queue_options &max_failures(std::uint32_t count) {
        raw_.max_failures = count;
        return *this;
    }
    /* One of RINGMAIN_ON_EXHAUSTED_*. */
    queue_options &on_exhausted(std::int32_t what) {
        raw_.on_exhausted = what;
        return *this;
    }
    /* The delay before the nth retry is min(cap, base * factor^(n-1)). */
    queue_options &retry(milliseconds base, milliseconds cap, double factor) {
        raw_.retry_base_ms = detail::count(base);
        raw_.retry_cap_ms = detail::count(cap);
        raw_.retry_factor = factor;
        return *this;
    }
    /* 0 is no limit of that. The overflow is one of RINGMAIN_OVERFLOW_*. */
    queue_options &capacity(std::uint64_t count_max, std::uint64_t bytes_max, std::int32_t overflow) {
        capacity_ = ringmain_capacity{};
        capacity_->size = sizeof *capacity_;
        capacity_->messages = count_max;
        capacity_->bytes = bytes_max;
        capacity_->overflow = overflow;
        return *this;
    }
    /* The mode is one of RINGMAIN_DEDUP_*, what a duplicate does one of RINGMAIN_ON_CONFLICT_*. */
    queue_options &dedup(milliseconds window, std::int32_t mode = RINGMAIN_DEDUP_FIXED,
                         std::int32_t on_conflict = RINGMAIN_ON_CONFLICT_IGNORE) {
        dedup_ = ringmain_dedup{};
        dedup_->size = sizeof *dedup_;
        dedup_->window_ms = detail::count(window);
        dedup_->mode = mode;
        dedup_->on_conflict = on_conflict;
        return *this;
    }
    /* The rule is one of RINGMAIN_ERROR_CLASS_*. */
    queue_options &error_class(std::string name, std::int32_t rule) {
        classes_.emplace_back(std::move(name), rule);
        return *this;
    }
    queue_options &history(milliseconds window, std::uint32_t count_max) {
        raw_.history_window_ms = detail::count(window);
        raw_.history_count_max = count_max;
        return *this;
    }
    queue_options &concurrency_max(std::uint32_t count) {
        raw_.concurrency_max = count;
        return *this;
    }
    queue_options &ttl(milliseconds ttl) {
        raw_.ttl_ms = detail::count(ttl);
        return *this;
    }
    /* All the rest, as in ringmain.h. */
    ringmain_queue_options &raw() noexcept { return raw_; }
    /* Opens a queue by them. */
    ringmain_queue open(ringmain_hub hub, const std::string &name) const {
        ringmain_queue_options raw = raw_;
        std::vector<ringmain_error_class> classes;
        for (const auto &[error, rule] : classes_)
            classes.push_back({error.c_str(), rule, 0});
        if (!dead_letter_.empty())
            raw.dead_letter = dead_letter_.c_str();
        if (capacity_)
            raw.capacity = &*capacity_;
        if (dedup_)
            raw.dedup = &*dedup_;
        if (!classes.empty()) {
            raw.error_classes = classes.data();
            raw.error_class_count = classes.size();
        }
        ringmain_queue queue = 0;
        detail::check(ringmain_queue_open(hub, name.c_str(), &raw, &queue));
        return queue;
    }

  private:
    ringmain_queue_options raw_ = {};
    std::string dead_letter_;
    std::optional<ringmain_capacity> capacity_;
    std::optional<ringmain_dedup> dedup_;
    std::vector<std::pair<std::string, std::int32_t>> classes_;
};

/* Where packed receives and polls put what they get; made once and used for many. */
template <class Entry> class packed {
  public:
    packed(std::size_t buffer_bytes, std::size_t count_max) : buffer_(buffer_bytes), entries_(count_max) {}

    std::size_t size() const noexcept { return count_; }
    bool empty() const noexcept { return count_ == 0; }
    const Entry &operator[](std::size_t index) const { return entries_[index]; }
    span<const Entry> entries() const noexcept { return span<const Entry>(entries_.data(), count_); }
    /* Until the next receive or poll into this; empty if it is not packed. */
    std::string_view text(std::size_t index) const { return at(entries_[index].value_at, entries_[index].value_bytes); }
    std::string_view key(std::size_t index) const { return at(entries_[index].key_at, entries_[index].key_bytes); }

    /* For the classes that fill it. */
    template <class Fill> std::size_t fill(Fill fill) {
        count_ = 0;
        detail::check(fill(buffer_.data(), buffer_.size(), entries_.data(), entries_.size(), &count_));
        return count_;
    }

  private:
    std::string_view at(std::uint64_t begin, std::size_t size) const {
        return begin == RINGMAIN_NOT_PACKED ? std::string_view() : detail::text(buffer_.data() + begin, size);
    }

    std::vector<std::byte> buffer_;
    std::vector<Entry> entries_;
    std::size_t count_ = 0;
};

using packed_messages = packed<ringmain_packed_message>;
using packed_records = packed<ringmain_packed_record>;

/* Messages seen without leasing them. */
class peeked {
  public:
    peeked() noexcept = default;
    peeked(ringmain_peeked owned, std::size_t size) : handle_(owned), size_(size) {}

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    /* Its pointers live as long as this. */
    ringmain_message_info operator[](std::size_t index) const {
        ringmain_message_info info = {};
        info.size = sizeof info;
        detail::check(ringmain_peeked_get(get(), index, &info));
        return info;
    }
    std::string_view text(std::size_t index) const {
        const ringmain_message_info info = (*this)[index];
        return detail::text(info.value, info.value_bytes);
    }
    std::optional<std::string_view> header(std::size_t index, const std::string &name) const {
        ringmain_header header;
        detail::check(ringmain_peeked_header(get(), index, name.c_str(), &header));
        if (header.value == nullptr)
            return std::nullopt;
        return detail::text(header.value, header.value_bytes);
    }
    ringmain_peeked get() const noexcept { return handle_.get(); }

  private:
    detail::handle<ringmain_peeked_close> handle_;
    std::size_t size_ = 0;
};

/* Something that was accepted and may not have reached its durability yet. */
class receipt {
  public:
    explicit receipt(ringmain_receipt owned) : handle_(owned) {}

    /* Whether it has been reached in time; throws if it never will be. */
    bool wait(milliseconds wait) {
        std::int32_t is_reached = 0;
        detail::check(ringmain_receipt_wait(get(), detail::count(wait), &is_reached));
        return is_reached != 0;
    }
    /* Of what was submitted to a queue. */
    ringmain_sent sent(std::size_t index = 0) const {
        ringmain_sent sent = {};
        detail::check(ringmain_receipt_sent(get(), index, &sent));
        return sent;
    }
    /* Of what was submitted to a stream. */
    ringmain_position position(std::size_t index = 0) const {
        ringmain_position position = {};
        detail::check(ringmain_receipt_position(get(), index, &position));
        return position;
    }
    ringmain_receipt get() const noexcept { return handle_.get(); }

  private:
    detail::handle<ringmain_receipt_close> handle_;
};

/* Some dead letters: those for which everything holds that is said. */
class letters {
  public:
    letters() { raw_.size = sizeof raw_; }
    letters &ids(std::vector<std::uint64_t> ids) {
        ids_ = std::move(ids);
        return *this;
    }
    /* They died so: "failed", "rejected", "expired". */
    letters &reason(std::string reason) {
        reason_ = std::move(reason);
        return *this;
    }
    /* They died in this queue. */
    letters &queue_name(std::string name) {
        queue_name_ = std::move(name);
        return *this;
    }
    letters &error_contains(std::string text) {
        error_contains_ = std::move(text);
        return *this;
    }
    letters &error_class(std::string name) {
        error_class_ = std::move(name);
        return *this;
    }
    /* All the rest, as in ringmain.h. */
    ringmain_letters &raw() noexcept { return raw_; }
    /* Valid as long as this is neither changed, moved nor destroyed. */
    ringmain_letters finished() const {
        ringmain_letters raw = raw_;
        const auto set = [](const char *&place, const std::string &text) {
            if (!text.empty())
                place = text.c_str();
        };
        set(raw.reason, reason_);
        set(raw.queue_name, queue_name_);
        set(raw.error_contains, error_contains_);
        set(raw.error_class, error_class_);
        if (!ids_.empty()) {
            raw.ids = ids_.data();
            raw.id_count = ids_.size();
        }
        return raw;
    }

  private:
    ringmain_letters raw_ = {};
    std::vector<std::uint64_t> ids_;
    std::string reason_, queue_name_, error_contains_, error_class_;
};

/* The dead letters that lie in a queue, which must live as long. */
class dead_letters {
  public:
    explicit dead_letters(ringmain_queue borrowed) noexcept : queue_(borrowed) {}

    peeked peek(std::size_t count_max, const letters &letters = ringmain::letters()) const {
        const ringmain_letters raw = letters.finished();
        ringmain_peeked batch = 0;
        std::size_t count = 0;
        detail::check(ringmain_dead_letters_peek(queue_, &raw, count_max, &batch, &count));
        return peeked(batch, count);
    }
    /* Sends them back to where they died, or to the queue `to`; how many. So many a second, all at once for 0. */
    std::uint64_t redrive(const letters &letters = ringmain::letters(), const std::string &to = "",
                          double per_second = 0) {
        const ringmain_letters raw = letters.finished();
        ringmain_redrive how = {};
        how.size = sizeof how;
        how.to = to.empty() ? nullptr : to.c_str();
        how.per_second = per_second;
        std::uint64_t count = 0;
        detail::check(ringmain_dead_letters_redrive(queue_, &raw, &how, &count));
        return count;
    }
    /* Throws them away; how many. */
    std::uint64_t discard(const letters &letters = ringmain::letters()) {
        const ringmain_letters raw = letters.finished();
        std::uint64_t count = 0;
        detail::check(ringmain_dead_letters_discard(queue_, &raw, &count));
        return count;
    }
    /* Writes them into a file that is not there yet, a JSON object a line; how many. */
    std::uint64_t export_to(const std::string &path, const letters &letters = ringmain::letters()) const {
        const ringmain_letters raw = letters.finished();
        std::uint64_t count = 0;
        detail::check(ringmain_dead_letters_export(queue_, &raw, path.c_str(), &count));
        return count;
    }

  private:
    ringmain_queue queue_;
};

/* Receives messages of a queue one after the other, several taken ahead. */
class consumer {
  public:
    explicit consumer(ringmain_consumer owned) : handle_(owned) {}

    std::optional<delivery> receive(milliseconds wait) {
        ringmain_delivery delivery = 0;
        detail::check(ringmain_consumer_receive(get(), detail::count(wait), &delivery));
        if (delivery == 0)
            return std::nullopt;
        return ringmain::delivery(delivery);
    }
    std::optional<delivery> receive_deferred(std::uint64_t id) {
        ringmain_delivery delivery = 0;
        detail::check(ringmain_consumer_receive_deferred(get(), id, &delivery));
        if (delivery == 0)
            return std::nullopt;
        return ringmain::delivery(delivery);
    }
    /* Acks it, and all that this consumer handed out before it. */
    void ack_up_to(const delivery &delivery) { detail::check(ringmain_consumer_ack_up_to(get(), delivery.get())); }
    ringmain_consumer get() const noexcept { return handle_.get(); }

  private:
    detail::handle<ringmain_consumer_close> handle_;
};

namespace detail {

/* Fails with these words. */
inline void fail(ringmain_outcome &outcome, const char *reason) {
    outcome.kind = RINGMAIN_OUTCOME_FAIL;
    std::snprintf(outcome.reason, sizeof outcome.reason, "%s", reason);
}

/* Calls a handler: what it throws is a failure, with its words. No exception gets out. */
template <class Call> std::int32_t handled(ringmain_outcome &outcome, Call call) noexcept {
    try {
        call();
    } catch (const std::exception &exception) {
        fail(outcome, exception.what());
    } catch (...) {
        fail(outcome, "the handler threw something that is no std::exception");
    }
    return RINGMAIN_OK;
}

} // namespace detail

/* A message in the hands of a worker's handler, until that returns. It is acked then, unless one of the verbs said otherwise. */
class job {
  public:
    job(ringmain_job borrowed, ringmain_outcome &outcome) : job_(borrowed), outcome_(outcome) {
        info_.size = sizeof info_;
        detail::check(ringmain_job_get(job_, &info_));
    }
    job(const job &) = delete;
    job &operator=(const job &) = delete;

    std::uint64_t id() const noexcept { return info_.id; }
    bytes value() const noexcept { return detail::view(info_.value, info_.value_bytes); }
    std::string_view text() const noexcept { return detail::text(info_.value, info_.value_bytes); }
    std::optional<std::string_view> key() const noexcept {
        if (info_.key == nullptr)
            return std::nullopt;
        return detail::text(info_.key, info_.key_bytes);
    }
    std::optional<std::string_view> header(const std::string &name) const {
        ringmain_header header;
        detail::check(ringmain_job_header(job_, name.c_str(), &header));
        if (header.value == nullptr)
            return std::nullopt;
        return detail::text(header.value, header.value_bytes);
    }
    std::uint32_t attempts() const noexcept { return info_.attempts; }
    std::uint32_t failures() const noexcept { return info_.failures; }

    /* At once, and not only when the handler returns. */
    void ack() { detail::check(ringmain_job_ack(job_)); }
    void extend(milliseconds duration) { detail::check(ringmain_job_extend(job_, detail::count(duration))); }
    /* When the handler returns. Without a delay after the queue's own. */
    void fail(const std::string &reason, std::optional<milliseconds> delay = std::nullopt) {
        detail::fail(outcome_, reason.c_str());
        outcome_.delay_ms = delay ? static_cast<std::int64_t>(detail::count(*delay)) : RINGMAIN_DELAY_POLICY;
    }
    void release(milliseconds delay = milliseconds(0)) {
        outcome_.kind = RINGMAIN_OUTCOME_RELEASE;
        outcome_.delay_ms = static_cast<std::int64_t>(detail::count(delay));
    }
    void reject(const std::string &reason) {
        detail::fail(outcome_, reason.c_str());
        outcome_.kind = RINGMAIN_OUTCOME_REJECT;
    }
    /* The lease is lost: what the handler says is discarded. */
    bool is_lost() const {
        std::int32_t is_lost = 0;
        detail::check(ringmain_job_is_lost(job_, &is_lost));
        return is_lost != 0;
    }
    bool is_cancelled() const {
        std::int32_t is_cancelled = 0;
        detail::check(ringmain_job_is_cancelled(job_, &is_cancelled));
        return is_cancelled != 0;
    }
    ringmain_job get() const noexcept { return job_; }

  private:
    ringmain_job job_;
    ringmain_outcome &outcome_;
    ringmain_message_info info_ = {};
};

/* How a worker works; what is not said is the default. */
class worker_options {
  public:
    worker_options() { raw_.size = sizeof raw_; }
    /* How many handlers run at a time. */
    worker_options &concurrency(std::uint32_t count) {
        raw_.concurrency = count;
        return *this;
    }
    /* How many messages may be taken ahead; RINGMAIN_ZERO for none. */
    worker_options &prefetch(std::uint64_t count) {
        raw_.prefetch = count;
        return *this;
    }
    /* All the rest, as in ringmain.h. */
    ringmain_worker_options &raw() noexcept { return raw_; }
    const ringmain_worker_options &raw() const noexcept { return raw_; }

  private:
    ringmain_worker_options raw_ = {};
};

/*
 * Threads that handle the messages of a queue. Destroyed, it waits for the handlers that are running, however long that takes: do not
 * destroy it in one of them.
 */
class worker {
  public:
    using handler = std::function<void(job &)>;

    worker(ringmain_queue queue, handler handle, const worker_options &options)
        : handler_(std::make_unique<handler>(std::move(handle))) {
        ringmain_worker_options raw = options.raw();
        raw.context = handler_.get();
        raw.handler = [](void *context, ringmain_job job, ringmain_outcome *outcome) noexcept {
            return detail::handled(*outcome, [&] {
                ringmain::job handed(job, *outcome);
                (*static_cast<worker::handler *>(context))(handed);
            });
        };
        ringmain_worker started = 0;
        detail::check(ringmain_worker_start(queue, &raw, &started));
        handle_ = detail::handle<close_worker>(started);
    }
    worker(worker &&) noexcept = default;
    worker &operator=(worker &&other) noexcept {
        /* The handler goes after the last call of it. */
        handle_ = std::move(other.handle_);
        handler_ = std::move(other.handler_);
        return *this;
    }

    /* Starts no handler any more. False: some are still running; it can be closed again. */
    bool close(milliseconds timeout) {
        const std::int32_t code = ringmain_worker_close(get(), detail::count(timeout));
        if (code == RINGMAIN_ERROR_TIMEOUT)
            return false;
        handle_.release();
        detail::check(code);
        return true;
    }
    ringmain_worker_stats stats() const {
        ringmain_worker_stats stats = {};
        stats.size = sizeof stats;
        detail::check(ringmain_worker_stats_get(get(), &stats));
        return stats;
    }
    /* Throws what ended it, if something has. */
    void check() const { detail::check(ringmain_worker_error(get())); }
    ringmain_worker get() const noexcept { return handle_.get(); }

  private:
    static std::int32_t close_worker(std::uint64_t worker) { return ringmain_worker_close(worker, RINGMAIN_WAIT_FOREVER); }

    std::unique_ptr<handler> handler_;
    detail::handle<close_worker> handle_;
};

/* A task queue. Any thread may use it. */
class queue {
  public:
    explicit queue(ringmain_queue owned) : handle_(owned) {}

    std::uint64_t send(const message &message) {
        const ringmain_message raw = message.raw();
        std::uint64_t id = 0;
        detail::check(ringmain_queue_send(get(), &raw, &id));
        return id;
    }
    /* Says whether it is a duplicate, which is not sent again. */
    ringmain_sent send_unique(const message &message) {
        const ringmain_message raw = message.raw();
        ringmain_sent sent = {};
        detail::check(ringmain_queue_send_unique(get(), &raw, &sent));
        return sent;
    }
    /* Does not wait: the receipt does. */
    receipt submit(const message &message) {
        const ringmain_message raw = message.raw();
        ringmain_receipt receipt = 0;
        detail::check(ringmain_queue_submit(get(), &raw, &receipt));
        return ringmain::receipt(receipt);
    }
    /* All or none. */
    std::vector<std::uint64_t> send_batch(span<const message> messages) {
        const std::vector<ringmain_message> raw = detail::raw(messages);
        std::vector<std::uint64_t> ids(raw.size());
        detail::check(ringmain_queue_send_batch(get(), raw.data(), raw.size(), ids.data()));
        return ids;
    }
    std::vector<std::uint64_t> send_batch(std::initializer_list<message> messages) {
        return send_batch(span<const message>(messages.begin(), messages.size()));
    }
    std::optional<delivery> receive(milliseconds wait) {
        ringmain_delivery delivery = 0;
        detail::check(ringmain_queue_receive(get(), detail::count(wait), &delivery));
        if (delivery == 0)
            return std::nullopt;
        return ringmain::delivery(delivery);
    }
    std::vector<delivery> receive_batch(std::size_t count_max, milliseconds wait) {
        std::vector<ringmain_delivery> handles(count_max);
        std::size_t count = 0;
        detail::check(
            ringmain_queue_receive_batch(get(), count_max, detail::count(wait), handles.data(), &count));
        std::vector<delivery> deliveries;
        deliveries.reserve(count);
        for (std::size_t index = 0; index < count; index++)
            deliveries.emplace_back(handles[index]);
        return deliveries;
    }
    /* Acks all with one commit; throws if one of them was refused. */
    void ack_batch(span<const delivery> deliveries) {
        std::vector<ringmain_delivery> handles;
        handles.reserve(deliveries.size());
        for (const delivery &delivery : deliveries)
            handles.push_back(delivery.get());
        detail::check(ringmain_queue_ack_batch(get(), handles.data(), handles.size(), nullptr));
    }

    std::optional<delivery> receive_deferred(std::uint64_t id) {
        ringmain_delivery delivery = 0;
        detail::check(ringmain_queue_receive_deferred(get(), id, &delivery));
        if (delivery == 0)
            return std::nullopt;
        return ringmain::delivery(delivery);
    }
    consumer open_consumer(std::size_t prefetch) {
        ringmain_consumer consumer = 0;
        detail::check(ringmain_consumer_open(get(), prefetch, &consumer));
        return ringmain::consumer(consumer);
    }
    /* Handles messages on threads of the library; what a handler throws is a failure of its message. */
    worker start_worker(worker::handler handler, const worker_options &options = worker_options()) {
        return worker(get(), std::move(handler), options);
    }
    /* Waiting messages with ids of at least `from_id`. */
    peeked peek(std::size_t count_max, std::uint64_t from_id = 0) const {
        ringmain_peeked batch = 0;
        std::size_t count = 0;
        detail::check(ringmain_queue_peek(get(), from_id, count_max, &batch, &count));
        return peeked(batch, count);
    }
    /* Those that lie here. */
    ringmain::dead_letters dead_letters() const noexcept { return ringmain::dead_letters(get()); }
    /* Whether it was waiting. */
    bool cancel(std::uint64_t id) {
        std::int32_t is_cancelled = 0;
        detail::check(ringmain_queue_cancel(get(), id, &is_cancelled));
        return is_cancelled != 0;
    }
    /* Whether it was waiting. */
    bool reschedule(std::uint64_t id, milliseconds delay) {
        std::int32_t is_rescheduled = 0;
        detail::check(ringmain_queue_reschedule(get(), id, detail::count(delay), &is_rescheduled));
        return is_rescheduled != 0;
    }
    /* Takes out what waits; how many. */
    std::uint64_t purge() {
        std::uint64_t count = 0;
        detail::check(ringmain_queue_purge(get(), &count));
        return count;
    }
    void pause() { detail::check(ringmain_queue_pause(get())); }
    void resume() { detail::check(ringmain_queue_resume(get())); }
    /* Why a message is not delivered now: JSON. */
    std::string explain(std::uint64_t id) const {
        return detail::json([&](ringmain_text *text) { return ringmain_queue_explain(get(), id, text); });
    }
    /* What became of messages that have left: JSON. */
    std::string finished(std::uint64_t from_id, std::size_t count_max) const {
        return detail::json(
            [&](ringmain_text *text) { return ringmain_queue_finished(get(), from_id, count_max, text); });
    }

    /* How many there are. Each token is to be acked, failed, released or unpacked through this object. */
    std::size_t receive_packed(packed_messages &into, milliseconds wait) {
        return into.fill([&](void *buffer, std::size_t room, auto *entries, std::size_t max, std::size_t *count) {
            return ringmain_queue_receive_packed(get(), buffer, room, entries, max, detail::count(wait), count);
        });
    }
    void ack_packed(span<const std::uint64_t> tokens) {
        detail::check(ringmain_queue_ack_packed(get(), tokens.data(), tokens.size(), nullptr));
    }
    /* All of a receive. */
    void ack_packed(const packed_messages &received) {
        std::vector<std::uint64_t> tokens;
        tokens.reserve(received.size());
        for (const ringmain_packed_message &entry : received.entries())
            tokens.push_back(entry.token);
        ack_packed(span<const std::uint64_t>(tokens.data(), tokens.size()));
    }
    void fail_packed(span<const std::uint64_t> tokens, std::string_view reason) {
        detail::check(ringmain_queue_fail_packed(get(), tokens.data(), tokens.size(), reason.data(), reason.size(),
                                                 nullptr));
    }
    void release_packed(span<const std::uint64_t> tokens) {
        detail::check(ringmain_queue_release_packed(get(), tokens.data(), tokens.size(), nullptr));
    }
    delivery unpack(std::uint64_t token) {
        ringmain_delivery delivery = 0;
        detail::check(ringmain_queue_unpack(get(), token, &delivery));
        return ringmain::delivery(delivery);
    }

    ringmain_queue_stats stats() const {
        ringmain_queue_stats stats = {};
        stats.size = sizeof stats;
        detail::check(ringmain_queue_stats_get(get(), &stats));
        return stats;
    }

    /* Readable after arm() said false and there may be something. It is this object's. */
    int fd() const {
        std::int32_t fd = -1;
        detail::check(ringmain_queue_fd(get(), &fd));
        return fd;
    }
    /* True: there is something already, receive now. */
    bool arm() {
        std::int32_t ready = 0;
        detail::check(ringmain_queue_arm(get(), &ready));
        return ready != 0;
    }

    /* For the functions of ringmain.h. */
    ringmain_queue get() const noexcept { return handle_.get(); }

  private:
    detail::handle<ringmain_queue_close> handle_;
};

/* Records of a stream, which they lend their bytes from. */
class records {
  public:
    records() noexcept = default;
    records(ringmain_records owned, std::size_t size) : handle_(owned), size_(size) {}

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    /* Its pointers live as long as this. */
    ringmain_record operator[](std::size_t index) const {
        ringmain_record record = {};
        record.size = sizeof record;
        detail::check(ringmain_records_get(get(), index, &record));
        return record;
    }
    std::string_view text(std::size_t index) const {
        const ringmain_record record = (*this)[index];
        return detail::text(record.value, record.value_bytes);
    }
    std::optional<std::string_view> key(std::size_t index) const {
        const ringmain_record record = (*this)[index];
        if (record.key == nullptr)
            return std::nullopt;
        return detail::text(record.key, record.key_bytes);
    }
    std::optional<std::string_view> header(std::size_t index, const std::string &name) const {
        ringmain_header header;
        detail::check(ringmain_records_header(get(), index, name.c_str(), &header));
        if (header.value == nullptr)
            return std::nullopt;
        return detail::text(header.value, header.value_bytes);
    }
    ringmain_records get() const noexcept { return handle_.get(); }
    /* Whoever calls this closes it. */
    ringmain_records release() noexcept { return handle_.release(); }

  private:
    detail::handle<ringmain_records_close> handle_;
    std::size_t size_ = 0;
};

/* Which records a reader wants. */
class filter {
  public:
    static filter keys(std::vector<std::string> keys) {
        filter filter(RINGMAIN_FILTER_KEYS);
        filter.keys_ = std::move(keys);
        return filter;
    }
    static filter key(std::string key) { return keys({std::move(key)}); }
    static filter has_header(std::string name) {
        filter filter(RINGMAIN_FILTER_HAS_HEADER);
        filter.name_ = std::move(name);
        return filter;
    }
    static filter header(std::string name, std::string value) {
        filter filter(RINGMAIN_FILTER_HEADER);
        filter.name_ = std::move(name);
        filter.value_ = std::move(value);
        return filter;
    }
    static filter all(std::vector<filter> filters) { return filter(RINGMAIN_FILTER_ALL, std::move(filters)); }
    static filter any(std::vector<filter> filters) { return filter(RINGMAIN_FILTER_ANY, std::move(filters)); }

    /* Hands it to `use` as ringmain.h has it, which copies it. */
    template <class Use> void with_raw(Use use) const {
        std::vector<std::unique_ptr<parts>> memory;
        use(raw(memory));
    }

  private:
    struct parts {
        std::vector<ringmain_key> keys;
        std::vector<ringmain_filter> filters;
    };

    explicit filter(std::int32_t kind) : kind_(kind) {}
    filter(std::int32_t kind, std::vector<filter> filters) : kind_(kind), filters_(std::move(filters)) {}

    ringmain_filter raw(std::vector<std::unique_ptr<parts>> &memory) const {
        auto owned = std::make_unique<parts>();
        for (const std::string &key : keys_)
            owned->keys.push_back({key.data(), key.size()});
        for (const filter &each : filters_)
            owned->filters.push_back(each.raw(memory));
        ringmain_filter raw = {};
        raw.size = sizeof raw;
        raw.kind = kind_;
        raw.keys = owned->keys.data();
        raw.key_count = owned->keys.size();
        raw.name = name_.c_str();
        raw.value = value_.data();
        raw.value_bytes = value_.size();
        raw.filters = owned->filters.data();
        raw.filter_count = owned->filters.size();
        memory.push_back(std::move(owned));
        return raw;
    }

    std::int32_t kind_;
    std::vector<std::string> keys_;
    std::string name_, value_;
    std::vector<filter> filters_;
};

/* Where to begin. */
struct start {
    std::int32_t kind;
    std::uint64_t value;
    static start earliest() { return {RINGMAIN_START_EARLIEST, 0}; }
    static start latest() { return {RINGMAIN_START_LATEST, 0}; }
    static start offset(std::uint64_t offset) { return {RINGMAIN_START_OFFSET, offset}; }
    static start time_ns(std::uint64_t time_ns) { return {RINGMAIN_START_TIME, time_ns}; }
};

/* Options of a reader; what is not said is the default. */
class reader_options {
  public:
    reader_options() { raw_.size = sizeof raw_; }
    reader_options &only(ringmain::filter filter) {
        filter_ = std::move(filter);
        return *this;
    }
    /* Ends before what is appended from now on. */
    reader_options &until_now() {
        raw_.end_kind = RINGMAIN_END_NOW;
        return *this;
    }
    /* Ends before this offset in each partition. */
    reader_options &until_offset(std::uint64_t offset) {
        raw_.end_kind = RINGMAIN_END_OFFSET;
        raw_.end_value = offset;
        return *this;
    }
    /* Where it goes on when records were removed before it read them: one of RINGMAIN_RESET_*. */
    reader_options &on_out_of_range(std::int32_t reset) {
        raw_.on_out_of_range = reset;
        return *this;
    }
    /* Opens a reader by them. */
    ringmain_reader open(ringmain_stream stream, std::int64_t partition, start start) const {
        ringmain_reader reader = 0;
        const auto open = [&](const ringmain_filter *filter) {
            ringmain_reader_options raw = raw_;
            raw.filter = filter;
            detail::check(ringmain_reader_open_with(stream, partition, start.kind, start.value, &raw, &reader));
        };
        if (filter_)
            filter_->with_raw([&](const ringmain_filter &filter) { open(&filter); });
        else
            open(nullptr);
        return reader;
    }

  private:
    ringmain_reader_options raw_ = {};
    std::optional<ringmain::filter> filter_;
};

/* Reads a stream at its own pace. */
class reader {
  public:
    explicit reader(ringmain_reader owned) : handle_(owned) {}

    records poll(std::size_t count_max, milliseconds wait) {
        ringmain_records batch = 0;
        std::size_t count = 0;
        detail::check(ringmain_reader_poll(get(), count_max, detail::count(wait), &batch, &count));
        return records(batch, count);
    }
    std::size_t poll_packed(packed_records &into, milliseconds wait) {
        return into.fill([&](void *buffer, std::size_t room, auto *entries, std::size_t max, std::size_t *count) {
            return ringmain_reader_poll_packed(get(), buffer, room, entries, max, detail::count(wait), count);
        });
    }
    /* Whether it has come to the end that it was told. */
    bool is_done() const {
        std::int32_t is_done = 0;
        detail::check(ringmain_reader_is_done(get(), &is_done));
        return is_done != 0;
    }
    std::uint64_t lag() const {
        std::uint64_t lag = 0;
        detail::check(ringmain_reader_lag(get(), &lag));
        return lag;
    }
    void seek(std::uint32_t partition, std::uint64_t offset) {
        detail::check(ringmain_reader_seek(get(), partition, offset));
    }
    int fd() const {
        std::int32_t fd = -1;
        detail::check(ringmain_reader_fd(get(), &fd));
        return fd;
    }
    bool arm() {
        std::int32_t ready = 0;
        detail::check(ringmain_reader_arm(get(), &ready));
        return ready != 0;
    }
    ringmain_reader get() const noexcept { return handle_.get(); }

  private:
    detail::handle<ringmain_reader_close> handle_;
};

/* How a member joins a group; what is not said is the default. */
class group_options {
  public:
    /* Told of partitions in the thread that polls, within the poll, which throws what it throws. */
    using callback = std::function<void(span<const std::uint32_t> partitions)>;
    struct callbacks {
        callback on_assign, on_revoke, on_lost;
        std::exception_ptr thrown;
    };

    group_options() { raw_.size = sizeof raw_; }
    /* Where partitions of which nothing is committed start. */
    group_options &start(ringmain::start start) {
        raw_.start_kind = start.kind;
        raw_.start_value = start.value;
        return *this;
    }
    /* What it has is kept for the name while it is away, for so long. */
    group_options &member_name(std::string name, milliseconds session_timeout = milliseconds(45000)) {
        name_ = std::move(name);
        const std::uint64_t count = detail::count(session_timeout);
        raw_.session_timeout_ms = count == 0 ? RINGMAIN_ZERO : count;
        return *this;
    }
    /* One of RINGMAIN_COMMIT_*. */
    group_options &commit_mode(std::int32_t mode) {
        raw_.commit_mode = mode;
        return *this;
    }
    group_options &on_assign(callback told_of) {
        callbacks_.on_assign = std::move(told_of);
        return *this;
    }
    group_options &on_revoke(callback told_of) {
        callbacks_.on_revoke = std::move(told_of);
        return *this;
    }
    group_options &on_lost(callback told_of) {
        callbacks_.on_lost = std::move(told_of);
        return *this;
    }
    /* All the rest, as in ringmain.h, without the callbacks. */
    ringmain_group_options &raw() noexcept { return raw_; }

    /* Joins by them; `kept` must live until the member has left. */
    ringmain_member join(ringmain_stream stream, const std::string &group, callbacks &kept) const {
        ringmain_group_options raw = raw_;
        raw.member_name = name_.empty() ? nullptr : name_.c_str();
        kept = callbacks_;
        raw.context = &kept;
        raw.on_assign = kept.on_assign ? told<&callbacks::on_assign> : nullptr;
        raw.on_revoke = kept.on_revoke ? told<&callbacks::on_revoke> : nullptr;
        raw.on_lost = kept.on_lost ? told<&callbacks::on_lost> : nullptr;
        ringmain_member member = 0;
        detail::check(ringmain_group_join_with(stream, group.c_str(), &raw, &member));
        return member;
    }

  private:
    template <callback callbacks::*Which>
    static std::int32_t told(void *context, ringmain_member, const std::uint32_t *partitions,
                             std::size_t count) noexcept {
        auto &kept = *static_cast<callbacks *>(context);
        try {
            (kept.*Which)(span<const std::uint32_t>(partitions, count));
            return RINGMAIN_OK;
        } catch (...) {
            kept.thrown = std::current_exception();
            return RINGMAIN_ERROR_INVALID_ARGUMENT;
        }
    }

    ringmain_group_options raw_ = {};
    std::string name_;
    callbacks callbacks_;
};

/* A member of a consumer group. Destroyed, it leaves. */
class member {
  public:
    explicit member(ringmain_member owned) : handle_(owned) {}
    member(ringmain_stream stream, const std::string &group, const group_options &options)
        : callbacks_(std::make_unique<group_options::callbacks>()), handle_(options.join(stream, group, *callbacks_)) {}
    member(member &&) noexcept = default;
    member &operator=(member &&other) noexcept {
        /* The callbacks go after the last call of them. */
        handle_ = std::move(other.handle_);
        callbacks_ = std::move(other.callbacks_);
        return *this;
    }

    records poll(std::size_t count_max, milliseconds wait) {
        ringmain_records batch = 0;
        std::size_t count = 0;
        check(ringmain_member_poll(get(), count_max, detail::count(wait), &batch, &count));
        return records(batch, count);
    }
    std::size_t poll_packed(packed_records &into, milliseconds wait) {
        return into.fill(
            [&](void *buffer, std::size_t room, auto *entries, std::size_t max, std::size_t *count) {
                const std::int32_t code =
                    ringmain_member_poll_packed(get(), buffer, room, entries, max, detail::count(wait), count);
                rethrow();
                return code;
            });
    }
    /* The record at `index` of a batch that was polled is handled, whatever becomes of those before it. */
    void done(const records &records, std::size_t index) {
        detail::check(ringmain_member_done(get(), records.get(), index));
    }
    /* What is done, up to the first that is not, and those beyond it one by one. */
    void commit_done() { detail::check(ringmain_member_commit_done(get())); }
    /* Takes a partition back to what was committed before. */
    void rewind(std::uint32_t partition, std::uint64_t offset) {
        detail::check(ringmain_member_rewind(get(), partition, offset));
    }
    std::uint64_t lag() const {
        std::uint64_t lag = 0;
        detail::check(ringmain_member_lag(get(), &lag));
        return lag;
    }
    /* Everything polled so far. */
    void commit() { detail::check(ringmain_member_commit(get())); }
    /* The offset is the next to read. */
    void commit_offset(std::uint32_t partition, std::uint64_t offset) {
        detail::check(ringmain_member_commit_offset(get(), partition, offset));
    }
    void seek(std::uint32_t partition, std::uint64_t offset) {
        check(ringmain_member_seek(get(), partition, offset));
    }
    std::vector<std::uint32_t> assignment() {
        std::vector<std::uint32_t> partitions(RINGMAIN_PARTITION_COUNT_MAX);
        std::size_t count = 0;
        check(ringmain_member_assignment(get(), partitions.size(), partitions.data(), &count));
        partitions.resize(count);
        return partitions;
    }
    int fd() const {
        std::int32_t fd = -1;
        detail::check(ringmain_member_fd(get(), &fd));
        return fd;
    }
    bool arm() {
        std::int32_t ready = 0;
        detail::check(ringmain_member_arm(get(), &ready));
        return ready != 0;
    }
    /* As the destructor, but says what went wrong. */
    void leave() { detail::check(ringmain_member_leave(handle_.release())); }
    ringmain_member get() const noexcept { return handle_.get(); }

  private:
    /* What a callback has thrown, rather than the error that the call makes of it. */
    void rethrow() {
        if (callbacks_ && callbacks_->thrown)
            std::rethrow_exception(std::exchange(callbacks_->thrown, nullptr));
    }
    void check(std::int32_t code) {
        rethrow();
        detail::check(code);
    }

    std::unique_ptr<group_options::callbacks> callbacks_;
    detail::handle<ringmain_member_leave> handle_;
};

/* Appends what it numbers, so that what is appended again is not there twice. */
class producer {
  public:
    explicit producer(ringmain_producer owned) : handle_(owned) {}

    /* The sequence to go on with. */
    std::uint64_t next_sequence() const {
        std::uint64_t sequence = 0;
        detail::check(ringmain_producer_next_sequence(get(), &sequence));
        return sequence;
    }
    /* The first message has this sequence. False: all had been appended before, and nothing was appended now. */
    bool append(std::uint64_t sequence, span<const message> messages) {
        const std::vector<ringmain_message> raw = detail::raw(messages);
        std::int32_t is_duplicate = 0;
        detail::check(
            ringmain_producer_append(get(), sequence, raw.data(), raw.size(), nullptr, &is_duplicate));
        return is_duplicate == 0;
    }
    bool append(std::uint64_t sequence, std::initializer_list<message> messages) {
        return append(sequence, span<const message>(messages.begin(), messages.size()));
    }
    ringmain_producer get() const noexcept { return handle_.get(); }

  private:
    detail::handle<ringmain_producer_close> handle_;
};

/* When a batcher closes a batch; what is not said is the default. */
class batcher_options {
  public:
    batcher_options() { raw_.size = sizeof raw_; }
    /* How long the first record of a batch waits for others. */
    batcher_options &linger(milliseconds time) {
        raw_.linger_ms = detail::count(time);
        return *this;
    }
    batcher_options &max_batch_bytes(std::size_t count) {
        raw_.max_batch_bytes = count;
        return *this;
    }
    batcher_options &max_batch_messages(std::size_t count) {
        raw_.max_batch_messages = count;
        return *this;
    }
    const ringmain_batcher_options &raw() const noexcept { return raw_; }

  private:
    ringmain_batcher_options raw_ = {};
};

/* Gathers records into batches. */
class batcher {
  public:
    explicit batcher(ringmain_batcher owned) : handle_(owned) {}

    /* The receipt knows the position when it is reached. */
    receipt send(const message &message) {
        const ringmain_message raw = message.raw();
        ringmain_receipt receipt = 0;
        detail::check(ringmain_batcher_send(get(), &raw, &receipt));
        return ringmain::receipt(receipt);
    }
    /* Returns when all that was sent before has reached its durability. */
    void flush() { detail::check(ringmain_batcher_flush(get())); }
    ringmain_batcher get() const noexcept { return handle_.get(); }

  private:
    detail::handle<ringmain_batcher_close> handle_;
};

/* A walk over the keys of a table. */
class table_scan {
  public:
    explicit table_scan(ringmain_table_scan owned) : handle_(owned) {}

    /* None at the end. */
    records next(std::size_t count_max) {
        ringmain_records batch = 0;
        std::size_t count = 0;
        detail::check(ringmain_table_scan_next(handle_.get(), count_max, &batch, &count));
        return records(batch, count);
    }

  private:
    detail::handle<ringmain_table_scan_close> handle_;
};

/* The last record of each key of a compacted stream. */
class table {
  public:
    explicit table(ringmain_table owned) : handle_(owned) {}

    /* One record, or none if the key has no value. */
    records get(std::string_view key) const {
        ringmain_records batch = 0;
        std::size_t count = 0;
        detail::check(ringmain_table_get(handle_.get(), key.data(), key.size(), &batch, &count));
        return records(batch, count);
    }
    /* How many keys have a value. */
    std::size_t size() const {
        std::size_t count = 0;
        detail::check(ringmain_table_count(handle_.get(), &count));
        return count;
    }
    table_scan scan() const {
        ringmain_table_scan scan = 0;
        detail::check(ringmain_table_scan_open(handle_.get(), &scan));
        return table_scan(scan);
    }

  private:
    detail::handle<ringmain_table_close> handle_;
};

/* How a worker of a stream works; what is not said is the default. */
class stream_worker_options {
  public:
    /* Takes a record that has failed too often, as a batch of one, and why. What it throws stops the worker. */
    using sink = std::function<void(const records &, std::string_view reason)>;

    stream_worker_options() { raw_.size = sizeof raw_; }
    stream_worker_options &concurrency(std::uint32_t count) {
        raw_.concurrency = count;
        return *this;
    }
    /* Handlers of one partition at a time. */
    stream_worker_options &parallel(std::uint32_t count) {
        raw_.parallel = count;
        return *this;
    }
    stream_worker_options &batch_max(std::uint32_t count) {
        raw_.batch_max = count;
        return *this;
    }
    stream_worker_options &max_failures(std::uint32_t count) {
        raw_.max_failures = count;
        return *this;
    }
    stream_worker_options &retry_delay(milliseconds delay) {
        const std::uint64_t count = detail::count(delay);
        raw_.retry_delay_ms = count == 0 ? RINGMAIN_ZERO : count;
        return *this;
    }
    /* What has failed too often is committed all the same. */
    stream_worker_options &skip_failed() {
        raw_.on_failed = RINGMAIN_ON_FAILED_SKIP;
        return *this;
    }
    /* What has failed too often goes here. */
    stream_worker_options &hand_over(sink taker) {
        raw_.on_failed = RINGMAIN_ON_FAILED_HAND_OVER;
        hand_over_ = std::move(taker);
        return *this;
    }
    stream_worker_options &start(ringmain::start start) {
        raw_.start_kind = start.kind;
        raw_.start_value = start.value;
        return *this;
    }
    /* All the rest, as in ringmain.h, without the callbacks. */
    ringmain_stream_worker_options &raw() noexcept { return raw_; }
    const ringmain_stream_worker_options &raw() const noexcept { return raw_; }
    const sink &handed_over() const noexcept { return hand_over_; }

  private:
    ringmain_stream_worker_options raw_ = {};
    sink hand_over_;
};

/* As worker, of the records of a stream. */
class stream_worker {
  public:
    /* Handles records of one partition, in order. What it throws is a failure: then all of them are tried again. */
    using handler = std::function<void(const records &)>;

    stream_worker(ringmain_stream stream, const std::string &group, handler handle,
                  const stream_worker_options &options)
        : calls_(std::make_unique<calls>(calls{std::move(handle), options.handed_over()})) {
        ringmain_stream_worker_options raw = options.raw();
        raw.context = calls_.get();
        raw.handler = [](void *context, ringmain_records batch, std::size_t count,
                         ringmain_outcome *outcome) noexcept {
            lent handed(batch, count);
            return detail::handled(*outcome, [&] { static_cast<calls *>(context)->handler(handed.batch); });
        };
        if (calls_->hand_over)
            raw.hand_over = [](void *context, ringmain_records batch, const char *reason,
                               std::size_t reason_bytes) noexcept {
                lent handed(batch, 1);
                try {
                    static_cast<calls *>(context)->hand_over(handed.batch, detail::text(reason, reason_bytes));
                    return static_cast<std::int32_t>(RINGMAIN_OK);
                } catch (const error &error) {
                    return error.code();
                } catch (...) {
                    return static_cast<std::int32_t>(RINGMAIN_ERROR_HANDLER_FAILED);
                }
            };
        ringmain_stream_worker worker = 0;
        detail::check(ringmain_stream_worker_start(stream, group.c_str(), &raw, &worker));
        handle_ = detail::handle<close_worker>(worker);
    }
    stream_worker(stream_worker &&) noexcept = default;
    stream_worker &operator=(stream_worker &&other) noexcept {
        handle_ = std::move(other.handle_);
        calls_ = std::move(other.calls_);
        return *this;
    }

    /* Starts no handler any more. False: some are still running; it can be closed again. */
    bool close(milliseconds timeout) {
        const std::int32_t code = ringmain_stream_worker_close(get(), detail::count(timeout));
        if (code == RINGMAIN_ERROR_TIMEOUT)
            return false;
        handle_.release();
        detail::check(code);
        return true;
    }
    ringmain_stream_worker_stats stats() const {
        ringmain_stream_worker_stats stats = {};
        stats.size = sizeof stats;
        detail::check(ringmain_stream_worker_stats_get(get(), &stats));
        return stats;
    }
    /* Throws what ended it, if something has. */
    void check() const { detail::check(ringmain_stream_worker_error(get())); }
    ringmain_stream_worker get() const noexcept { return handle_.get(); }

  private:
    struct calls {
        stream_worker::handler handler;
        stream_worker_options::sink hand_over;
    };
    /* The library closes it. */
    struct lent {
        lent(ringmain_records borrowed, std::size_t count) : batch(borrowed, count) {}
        ~lent() { batch.release(); }
        records batch;
    };
    static std::int32_t close_worker(std::uint64_t worker) {
        return ringmain_stream_worker_close(worker, RINGMAIN_WAIT_FOREVER);
    }

    std::unique_ptr<calls> calls_;
    detail::handle<close_worker> handle_;
};

/* Options of a stream; what is not said is the default, or stays as it is. */
class stream_options {
  public:
    stream_options() { raw_.size = sizeof raw_; }
    stream_options &partitions(std::uint32_t count) {
        raw_.partitions = count;
        return *this;
    }
    stream_options &age_max(milliseconds age) {
        raw_.age_max_ms = detail::count(age);
        return *this;
    }
    stream_options &bytes_max(std::uint64_t count) {
        raw_.bytes_max = count;
        return *this;
    }
    stream_options &count_max(std::uint64_t count) {
        raw_.count_max = count;
        return *this;
    }
    /* One of RINGMAIN_COMPACTION_*. */
    stream_options &compaction(std::int32_t kind) {
        raw_.compaction = kind;
        return *this;
    }
    /* All the rest, as in ringmain.h. */
    ringmain_stream_options &raw() noexcept { return raw_; }
    const ringmain_stream_options &raw() const noexcept { return raw_; }

  private:
    ringmain_stream_options raw_ = {};
};

/* An event stream. Any thread may use it. */
class stream {
  public:
    explicit stream(ringmain_stream owned) : handle_(owned) {}

    std::uint32_t partitions() const {
        std::uint32_t count = 0;
        detail::check(ringmain_stream_partitions(get(), &count));
        return count;
    }
    ringmain_position append(const message &message) {
        const ringmain_message raw = message.raw();
        ringmain_position position = {};
        detail::check(ringmain_stream_append(get(), &raw, &position));
        return position;
    }
    /* Those of one partition are one atomic batch. */
    std::vector<ringmain_position> append_batch(span<const message> messages) {
        const std::vector<ringmain_message> raw = detail::raw(messages);
        std::vector<ringmain_position> positions(raw.size());
        detail::check(ringmain_stream_append_batch(get(), raw.data(), raw.size(), positions.data()));
        return positions;
    }
    std::vector<ringmain_position> append_batch(std::initializer_list<message> messages) {
        return append_batch(span<const message>(messages.begin(), messages.size()));
    }
    /* All partitions. */
    ringmain::reader open_reader(start start) { return open_reader(start, RINGMAIN_PARTITION_ALL); }
    ringmain::reader open_reader(start start, std::int64_t partition) {
        ringmain_reader reader = 0;
        detail::check(ringmain_reader_open(get(), partition, start.kind, start.value, &reader));
        return ringmain::reader(reader);
    }
    ringmain::reader open_reader(start start, const reader_options &options,
                                 std::int64_t partition = RINGMAIN_PARTITION_ALL) {
        return ringmain::reader(options.open(get(), partition, start));
    }
    /* To this partition, whatever the key. */
    ringmain_position append_to(std::uint32_t partition, const message &message) {
        const ringmain_message raw = message.raw();
        ringmain_position position = {};
        detail::check(ringmain_stream_append_to(get(), partition, &raw, &position));
        return position;
    }
    /* Only if the partition ends at `end`, else RINGMAIN_ERROR_CONFLICT. */
    std::vector<ringmain_position> append_expecting(std::uint32_t partition, std::uint64_t end,
                                                    span<const message> messages) {
        const std::vector<ringmain_message> raw = detail::raw(messages);
        std::vector<ringmain_position> positions(raw.size());
        detail::check(ringmain_stream_append_expecting(get(), partition, end, raw.data(), raw.size(),
                                                       positions.data()));
        return positions;
    }
    /* Does not wait: the receipt does. */
    receipt submit(const message &message) {
        const ringmain_message raw = message.raw();
        ringmain_receipt receipt = 0;
        detail::check(ringmain_stream_submit(get(), &raw, &receipt));
        return ringmain::receipt(receipt);
    }
    ringmain::producer open_producer(const std::string &name) {
        ringmain_producer producer = 0;
        detail::check(ringmain_producer_open(get(), name.c_str(), &producer));
        return ringmain::producer(producer);
    }
    ringmain::batcher open_batcher(const batcher_options &options = batcher_options()) {
        ringmain_batcher batcher = 0;
        detail::check(ringmain_batcher_open(get(), &options.raw(), &batcher));
        return ringmain::batcher(batcher);
    }
    ringmain::table open_table() {
        ringmain_table table = 0;
        detail::check(ringmain_table_open(get(), &table));
        return ringmain::table(table);
    }
    /* Handles records on threads of the library. */
    stream_worker start_worker(const std::string &group, stream_worker::handler handler,
                               const stream_worker_options &options = stream_worker_options()) {
        return stream_worker(get(), group, std::move(handler), options);
    }
    std::uint64_t offset_at_time(std::uint32_t partition, std::uint64_t time_ns) const {
        std::uint64_t offset = 0;
        detail::check(ringmain_stream_offset_at_time(get(), partition, time_ns, &offset));
        return offset;
    }
    void compact() { detail::check(ringmain_stream_compact(get())); }
    /* The next to read of a partition; nothing if nothing is committed. */
    std::optional<std::uint64_t> committed(const std::string &group, std::uint32_t partition) const {
        std::uint64_t offset = 0;
        std::int32_t is_committed = 0;
        detail::check(ringmain_group_committed(get(), group.c_str(), partition, &offset, &is_committed));
        if (is_committed == 0)
            return std::nullopt;
        return offset;
    }
    void delete_group(const std::string &group) {
        detail::check(ringmain_stream_delete_group(get(), group.c_str()));
    }
    ringmain::member join(const std::string &group, const group_options &options) {
        return ringmain::member(get(), group, options);
    }
    ringmain::member join(const std::string &group, start start = start::earliest()) {
        ringmain_member member = 0;
        detail::check(ringmain_group_join(get(), group.c_str(), start.kind, start.value, &member));
        return ringmain::member(member);
    }
    /* Records that the group has not committed yet. */
    std::uint64_t lag(const std::string &group) const {
        std::uint64_t lag = 0;
        detail::check(ringmain_group_lag(get(), group.c_str(), &lag));
        return lag;
    }
    ringmain_partition_stats stats(std::uint32_t partition) const {
        ringmain_partition_stats stats = {};
        stats.size = sizeof stats;
        detail::check(ringmain_stream_stats_get(get(), partition, &stats));
        return stats;
    }
    ringmain_stream get() const noexcept { return handle_.get(); }

  private:
    detail::handle<ringmain_stream_close> handle_;
};

/* Options of a hub; what is not said is the default. */
class hub_options {
  public:
    hub_options() { raw_.size = sizeof raw_; }
    /* One of RINGMAIN_DURABILITY_*. */
    hub_options &durability(std::int32_t durability) {
        raw_.durability = durability;
        return *this;
    }
    /* Time stands still but for hub::advance. */
    hub_options &manual_clock() {
        raw_.manual_clock = RINGMAIN_FLAG_ON;
        return *this;
    }
    hub_options &relaxed_max(milliseconds time) {
        raw_.relaxed_max_ms = detail::count(time);
        return *this;
    }
    /* All the rest, as in ringmain.h. */
    ringmain_hub_options &raw() noexcept { return raw_; }
    const ringmain_hub_options &raw() const noexcept { return raw_; }

  private:
    ringmain_hub_options raw_ = {};
};

/* The queues and streams of a directory, or of this process's memory. Destroyed, it is closed, which takes ten seconds at most. */
class hub {
  public:
    explicit hub(ringmain_hub owned) : handle_(owned) {}

    static hub memory() {
        ringmain_hub hub = 0;
        detail::check(ringmain_hub_memory(&hub));
        return ringmain::hub(hub);
    }
    static hub memory(const hub_options &options) {
        ringmain_hub hub = 0;
        detail::check(ringmain_hub_memory_with(&options.raw(), &hub));
        return ringmain::hub(hub);
    }
    static hub open(const std::string &directory, const hub_options &options) {
        ringmain_hub hub = 0;
        detail::check(ringmain_hub_open(directory.c_str(), &options.raw(), &hub));
        return ringmain::hub(hub);
    }
    /* The durability is one of RINGMAIN_DURABILITY_*. */
    static hub open(const std::string &directory, std::int32_t durability = RINGMAIN_DURABILITY_DEFAULT) {
        return open(directory, hub_options().durability(durability));
    }

    ringmain::queue open_queue(const std::string &name, const queue_options &options = queue_options()) {
        return ringmain::queue(options.open(get(), name));
    }
    ringmain::stream open_stream(const std::string &name, const stream_options &options) {
        ringmain_stream stream = 0;
        detail::check(ringmain_stream_open(get(), name.c_str(), &options.raw(), &stream));
        return ringmain::stream(stream);
    }
    /* 0 partitions: as it is, or one. */
    ringmain::stream open_stream(const std::string &name, std::uint32_t partitions = 0) {
        return open_stream(name, stream_options().partitions(partitions));
    }
    void delete_queue(const std::string &name) { detail::check(ringmain_hub_delete_queue(get(), name.c_str())); }
    void delete_stream(const std::string &name) { detail::check(ringmain_hub_delete_stream(get(), name.c_str())); }
    /* Names, and all counts: JSON. */
    std::string queues() const {
        return detail::json([&](ringmain_text *text) { return ringmain_hub_queues(get(), text); });
    }
    std::string streams() const {
        return detail::json([&](ringmain_text *text) { return ringmain_hub_streams(get(), text); });
    }
    std::string stats() const {
        return detail::json([&](ringmain_text *text) { return ringmain_hub_stats(get(), text); });
    }
    /* Moves the clock of a hub that was opened with a manual one. */
    void advance(milliseconds by) { detail::check(ringmain_hub_advance(get(), detail::count(by))); }
    /* Makes everything durable. */
    void flush() { detail::check(ringmain_hub_flush(get())); }
    /* As the destructor, but says what went wrong. */
    void close(milliseconds timeout) { detail::check(ringmain_hub_close(handle_.release(), detail::count(timeout))); }
    ringmain_hub get() const noexcept { return handle_.get(); }

  private:
    detail::handle<detail::close_hub> handle_;
};

/* Listens to what the library notices, for a logger of the program's own. */
class notices {
  public:
    /* Of at least this level: "error", "warn", "info" or "debug". */
    explicit notices(const std::string &level) {
        ringmain_notices opened = 0;
        detail::check(ringmain_notices_open(level.c_str(), &opened));
        handle_ = detail::handle<ringmain_notices_close>(opened);
    }
    /* What was noticed since the last time, after waiting for the first: JSON. */
    std::string take(milliseconds wait) {
        return detail::json([&](ringmain_text *text) {
            return ringmain_notices_take(handle_.get(), detail::count(wait), text);
        });
    }

  private:
    detail::handle<ringmain_notices_close> handle_;
};

} // namespace ringmain

#endif
