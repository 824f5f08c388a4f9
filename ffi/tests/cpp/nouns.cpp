// What ringmain.hpp has, as a user calls it. Ends with "ok".

#include <ringmain.hpp>

#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>

using namespace std::chrono_literals;

namespace {

void require(bool is_so, const char *what, int line) {
    if (!is_so) {
        std::cerr << "line " << line << ": not so: " << what << "\n";
        std::exit(1);
    }
}
#define REQUIRE(condition) require((condition), #condition, __LINE__)

/* The code that the call throws; 0 if it throws none. */
template <class Call> std::int32_t thrown(Call call) {
    try {
        call();
        return 0;
    } catch (const ringmain::error &error) {
        return error.code();
    }
}

/* Counts what handlers do. */
class tally {
  public:
    void add() {
        const std::lock_guard<std::mutex> lock(mutex_);
        count_++;
        changed_.notify_all();
    }
    void wait_for(int count) {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [&] { return count_ >= count; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

ringmain::hub still_hub() { return ringmain::hub::memory(ringmain::hub_options().manual_clock()); }

ringmain::queue_options dropping() { return ringmain::queue_options().on_exhausted(RINGMAIN_ON_EXHAUSTED_DROP); }

void messages_have_all_that_they_may() {
    ringmain::hub hub = still_hub();
    ringmain::queue jobs = hub.open_queue("jobs", dropping().dedup(60s).capacity(10, 0, RINGMAIN_OVERFLOW_REJECT));
    const auto first = jobs.send_unique(ringmain::message("a").dedup_key("k").ordering_key("o"));
    REQUIRE(first.is_duplicate == 0);
    REQUIRE(jobs.send_unique(ringmain::message("a").dedup_key("k")).id == first.id);
    jobs.send(ringmain::message("urgent").priority(9));
    jobs.send(ringmain::message("behind a").ordering_key("o"));
    jobs.send(ringmain::message("short").ttl(1ms).priority(0).max_failures(1));
    hub.advance(10ms);
    auto urgent = jobs.receive(0ms), a = jobs.receive(0ms);
    REQUIRE(urgent->text() == "urgent" && a->text() == "a" && !jobs.receive(0ms));
    a->ack();
    REQUIRE(jobs.receive(0ms)->text() == "behind a");
    ringmain::receipt receipt = jobs.submit("later");
    REQUIRE(receipt.wait(1s) && receipt.sent().is_duplicate == 0);
    REQUIRE(hub.queues() == "[\"jobs\"]" && hub.stats().front() == '{');
}

void waiting_messages_are_seen_moved_and_taken_out() {
    ringmain::hub hub = still_hub();
    ringmain::queue jobs = hub.open_queue("jobs", dropping().history(60s, 10));
    const auto ids = jobs.send_batch({"a", "b", "c"});
    REQUIRE(jobs.peek(10).size() == 3 && jobs.peek(10, ids[1]).text(0) == "b");
    REQUIRE(jobs.cancel(ids[0]) && !jobs.cancel(ids[0]));
    REQUIRE(jobs.reschedule(ids[1], 1s));
    REQUIRE(jobs.explain(ids[1]).find("scheduled") != std::string::npos);
    jobs.pause();
    REQUIRE(!jobs.receive(0ms));
    jobs.resume();
    auto job = jobs.receive(0ms);
    REQUIRE(job->text() == "c" && !job->is_cancelled());
    job->defer();
    REQUIRE(!jobs.receive(0ms));
    jobs.receive_deferred(ids[2])->ack_with("42");
    REQUIRE(jobs.finished(ids[2], 1).find("\"done\"") != std::string::npos);
    REQUIRE(jobs.purge() == 1);
    hub.delete_queue("jobs");
    REQUIRE(thrown([&] { jobs.send("x"); }) == RINGMAIN_ERROR_CLOSED);
}

void dead_letters_are_chosen_and_sent_back() {
    ringmain::notices notices("info");
    ringmain::hub hub = still_hub();
    ringmain::queue jobs = hub.open_queue("jobs", ringmain::queue_options().dead_letter("dead").error_class(
                                                      "bad", RINGMAIN_ERROR_CLASS_PERMANENT));
    ringmain::queue dead = hub.open_queue("dead");
    jobs.send_batch({"a", "b"});
    jobs.receive(0ms)->reject("no number");
    jobs.receive(0ms)->fail_as("bad", "no tail");
    REQUIRE(notices.take(60s).find("message_died") != std::string::npos);
    ringmain::dead_letters letters = dead.dead_letters();
    const auto of_tail = ringmain::letters().error_contains("tail");
    const ringmain::peeked seen = letters.peek(10, of_tail);
    REQUIRE(seen.size() == 1 && seen.text(0) == "b" && seen.header(0, "rm-dead-error") == "no tail");
    REQUIRE(letters.redrive(of_tail) == 1 && jobs.receive(0ms)->text() == "b");
    REQUIRE(letters.discard() == 1 && letters.peek(10).empty());
}

void a_consumer_acks_up_to() {
    ringmain::hub hub = still_hub();
    ringmain::queue jobs = hub.open_queue("jobs", dropping());
    jobs.send_batch({"a", "b", "c"});
    ringmain::consumer consumer = jobs.open_consumer(10);
    auto a = consumer.receive(0ms), b = consumer.receive(0ms);
    consumer.ack_up_to(*b);
    REQUIRE(jobs.stats().acked_total == 2 && thrown([&] { a->release(); }) == RINGMAIN_ERROR_LEASE_LOST);
}

void a_worker_settles_as_its_handler_says() {
    ringmain::hub hub = ringmain::hub::memory();
    ringmain::queue jobs = hub.open_queue("jobs", ringmain::queue_options().dead_letter("dead").max_failures(1));
    tally handled;
    const auto handle = [&](ringmain::job &job) {
        struct on_return {
            tally &handled;
            ~on_return() { handled.add(); }
        } counted{handled};
        if (job.text() == "reject")
            job.reject("not ours");
        else if (job.text() == "release")
            job.release(1h);
        else if (job.text() == "throw")
            throw std::runtime_error("thrown out");
        else if (job.text() == "throw a number")
            throw 7;
    };
    ringmain::worker worker = jobs.start_worker(handle, ringmain::worker_options().concurrency(2).prefetch(4));
    jobs.send_batch({"ack", "reject", "release", "throw", "throw a number"});
    handled.wait_for(5);
    ringmain::worker moved = std::move(worker);
    moved.check();
    REQUIRE(moved.close(10s));
    REQUIRE(jobs.stats().acked_total == 1 && jobs.stats().scheduled == 1);
    ringmain::queue dead = hub.open_queue("dead");
    const auto with = [&](const char *error) {
        return dead.dead_letters().peek(10, ringmain::letters().error_contains(error)).size();
    };
    REQUIRE(with("not ours") == 1 && with("thrown out") == 1 && with("no std::exception") == 1);
}

void a_stream_is_filtered_and_read_to_an_end() {
    ringmain::hub hub = still_hub();
    ringmain::stream log = hub.open_stream("log", ringmain::stream_options().partitions(2).count_max(100));
    REQUIRE(log.append_to(1, ringmain::message("a").key("x")).partition == 1);
    log.append_to(1, ringmain::message("b").header("kind", "z"));
    log.append_to(1, "c");
    using ringmain::filter;
    const auto only = filter::any({filter::key("x"), filter::all({filter::has_header("kind"), filter::header("kind", "z")})});
    ringmain::reader reader =
        log.open_reader(ringmain::start::earliest(), ringmain::reader_options().only(only).until_now());
    const ringmain::records seen = reader.poll(10, 0ms);
    REQUIRE(seen.size() == 2 && seen.text(0) == "a" && seen.text(1) == "b");
    reader.poll(10, 0ms);
    REQUIRE(reader.is_done() && reader.lag() == 0);
    const ringmain::message more[] = {"d"};
    const ringmain::span<const ringmain::message> messages(more, 1);
    REQUIRE(log.append_expecting(1, 3, messages).front().offset == 3);
    REQUIRE(thrown([&] { log.append_expecting(1, 3, messages); }) == RINGMAIN_ERROR_CONFLICT);
    REQUIRE(log.offset_at_time(1, 0) == 0 && hub.streams() == "[\"log\"]");
}

void producers_batchers_and_tables() {
    ringmain::hub hub = still_hub();
    ringmain::stream log = hub.open_stream("log");
    ringmain::producer old = log.open_producer("p");
    REQUIRE(old.append(0, {"a", "b"}) && !old.append(0, {"a", "b"}) && old.next_sequence() == 2);
    ringmain::producer next = log.open_producer("p");
    REQUIRE(thrown([&] { old.append(2, {"c"}); }) == RINGMAIN_ERROR_PRODUCER_FENCED);
    ringmain::batcher batcher = log.open_batcher(ringmain::batcher_options().linger(1h).max_batch_messages(2));
    ringmain::receipt c = batcher.send("c"), d = batcher.send("d");
    REQUIRE(d.wait(10s) && d.position().offset == 3 && c.position().offset == 2);
    batcher.send("e");
    batcher.flush();
    REQUIRE(log.stats(0).end == 5);

    ringmain::stream last =
        hub.open_stream("last", ringmain::stream_options().compaction(RINGMAIN_COMPACTION_LATEST_ONLY));
    for (const char *value : {"1", "2"})
        last.append(ringmain::message(value).key("a"));
    last.append(ringmain::message("3").key("b"));
    ringmain::table table = last.open_table();
    REQUIRE(table.get("a").text(0) == "2" && table.get("c").empty() && table.size() == 2);
    ringmain::table_scan scan = table.scan();
    REQUIRE(scan.next(10).size() == 2 && scan.next(10).empty());
    last.append(ringmain::message::tombstone("a"));
    REQUIRE(table.get("a").empty());
}

void a_member_is_told_of_its_partitions() {
    ringmain::hub hub = still_hub();
    ringmain::stream log = hub.open_stream("log", 2);
    log.append_to(0, "a");
    std::size_t assigned = 0;
    const auto options = ringmain::group_options().member_name("m").on_assign(
        [&](ringmain::span<const std::uint32_t> partitions) { assigned += partitions.size(); });
    ringmain::member member = log.join("g", options);
    const ringmain::records records = member.poll(10, 0ms);
    REQUIRE(assigned == 2 && records.size() == 1 && member.lag() == 1);
    member.done(records, 0);
    member.commit_done();
    REQUIRE(log.committed("g", 0) == 1u && log.lag("g") == 0);
    member.rewind(0, 0);
    REQUIRE(member.poll(10, 0ms).size() == 1);
    member.leave();
    log.delete_group("g");

    const auto throws = ringmain::group_options().on_assign(
        [](ringmain::span<const std::uint32_t>) { throw std::runtime_error("no room"); });
    ringmain::member other = log.join("h", throws);
    std::string told;
    try {
        other.poll(10, 0ms);
    } catch (const std::runtime_error &error) {
        told = error.what();
    }
    REQUIRE(told == "no room");
}

void a_worker_of_a_stream_hands_over_what_fails() {
    ringmain::hub hub = ringmain::hub::memory();
    ringmain::stream log = hub.open_stream("log");
    tally done;
    std::string handed_over;
    const auto handle = [&](const ringmain::records &records) {
        if (records.text(0) == "bad")
            throw std::runtime_error("no tail");
        done.add();
    };
    auto options = ringmain::stream_worker_options().max_failures(2).retry_delay(0ms);
    options.hand_over([&](const ringmain::records &records, std::string_view reason) {
        handed_over = std::string(records.text(0)) + ": " + std::string(reason);
        done.add();
    });
    ringmain::stream_worker worker = log.start_worker("g", handle, options);
    log.append_batch({"good", "bad", "good"});
    done.wait_for(3);
    worker.check();
    REQUIRE(worker.close(10s));
    REQUIRE(handed_over == "bad: no tail" && log.committed("g", 0) == 3u);
}

} // namespace

int main() {
    messages_have_all_that_they_may();
    waiting_messages_are_seen_moved_and_taken_out();
    dead_letters_are_chosen_and_sent_back();
    a_consumer_acks_up_to();
    a_worker_settles_as_its_handler_says();
    a_stream_is_filtered_and_read_to_an_end();
    producers_batchers_and_tables();
    a_member_is_told_of_its_partitions();
    a_worker_of_a_stream_hands_over_what_fails();
    std::cout << "ok\n";
}
