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
#include <initializer_list>
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
    /* After the queue's retry delay. */
    void fail(std::string_view reason) {
        detail::check(ringmain_delivery_fail(get(), reason.data(), reason.size(), RINGMAIN_DELAY_POLICY));
    }
    void fail_after(std::string_view reason, milliseconds delay) {
        const auto count = static_cast<std::int64_t>(detail::count(delay));
        detail::check(ringmain_delivery_fail(get(), reason.data(), reason.size(), count));
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
    /* All the rest, as in ringmain.h. */
    ringmain_queue_options &raw() noexcept { return raw_; }
    ringmain_queue_options finished() const {
        ringmain_queue_options raw = raw_;
        if (!dead_letter_.empty())
            raw.dead_letter = dead_letter_.c_str();
        return raw;
    }

  private:
    ringmain_queue_options raw_ = {};
    std::string dead_letter_;
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

    /* How many there are. Each token is to be acked, failed, released or unpacked through this object. */
    std::size_t receive_packed(packed_messages &into, milliseconds wait) {
        return into.fill([&](void *buffer, std::size_t bytes, auto *entries, std::size_t max, std::size_t *count) {
            return ringmain_queue_receive_packed(get(), buffer, bytes, entries, max, detail::count(wait), count);
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

  private:
    detail::handle<ringmain_records_close> handle_;
    std::size_t size_ = 0;
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
        return into.fill([&](void *buffer, std::size_t bytes, auto *entries, std::size_t max, std::size_t *count) {
            return ringmain_reader_poll_packed(get(), buffer, bytes, entries, max, detail::count(wait), count);
        });
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

/* A member of a consumer group. Destroyed, it leaves. */
class member {
  public:
    explicit member(ringmain_member owned) : handle_(owned) {}

    records poll(std::size_t count_max, milliseconds wait) {
        ringmain_records batch = 0;
        std::size_t count = 0;
        detail::check(ringmain_member_poll(get(), count_max, detail::count(wait), &batch, &count));
        return records(batch, count);
    }
    std::size_t poll_packed(packed_records &into, milliseconds wait) {
        return into.fill([&](void *buffer, std::size_t bytes, auto *entries, std::size_t max, std::size_t *count) {
            return ringmain_member_poll_packed(get(), buffer, bytes, entries, max, detail::count(wait), count);
        });
    }
    /* Everything polled so far. */
    void commit() { detail::check(ringmain_member_commit(get())); }
    /* The offset is the next to read. */
    void commit_offset(std::uint32_t partition, std::uint64_t offset) {
        detail::check(ringmain_member_commit_offset(get(), partition, offset));
    }
    void seek(std::uint32_t partition, std::uint64_t offset) {
        detail::check(ringmain_member_seek(get(), partition, offset));
    }
    std::vector<std::uint32_t> assignment() {
        std::vector<std::uint32_t> partitions(RINGMAIN_PARTITION_COUNT_MAX);
        std::size_t count = 0;
        detail::check(ringmain_member_assignment(get(), partitions.size(), partitions.data(), &count));
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
    detail::handle<ringmain_member_leave> handle_;
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

/* The queues and streams of a directory, or of this process's memory. Destroyed, it is closed, which takes ten seconds at most. */
class hub {
  public:
    explicit hub(ringmain_hub owned) : handle_(owned) {}

    static hub memory() {
        ringmain_hub hub = 0;
        detail::check(ringmain_hub_memory(&hub));
        return ringmain::hub(hub);
    }
    /* The durability is one of RINGMAIN_DURABILITY_*. */
    static hub open(const std::string &directory, std::int32_t durability = RINGMAIN_DURABILITY_DEFAULT) {
        ringmain_hub_options options = {};
        options.size = sizeof options;
        options.durability = durability;
        ringmain_hub hub = 0;
        detail::check(ringmain_hub_open(directory.c_str(), &options, &hub));
        return ringmain::hub(hub);
    }

    ringmain::queue open_queue(const std::string &name, const queue_options &options = queue_options()) {
        const ringmain_queue_options raw = options.finished();
        ringmain_queue queue = 0;
        detail::check(ringmain_queue_open(get(), name.c_str(), &raw, &queue));
        return ringmain::queue(queue);
    }
    /* 0 partitions: as it is, or one. */
    ringmain::stream open_stream(const std::string &name, std::uint32_t partitions = 0) {
        ringmain_stream_options options = {};
        options.size = sizeof options;
        options.partitions = partitions;
        ringmain_stream stream = 0;
        detail::check(ringmain_stream_open(get(), name.c_str(), &options, &stream));
        return ringmain::stream(stream);
    }
    /* Makes everything durable. */
    void flush() { detail::check(ringmain_hub_flush(get())); }
    /* As the destructor, but says what went wrong. */
    void close(milliseconds timeout) { detail::check(ringmain_hub_close(handle_.release(), detail::count(timeout))); }
    ringmain_hub get() const noexcept { return handle_.get(); }

  private:
    detail::handle<detail::close_hub> handle_;
};

} // namespace ringmain

#endif
