// Workers on threads of the library: of a queue, and of a stream that hands over what it cannot handle.
//
//     c++ -std=c++17 worker.cpp $(pkg-config --cflags --libs ringmain) -lpthread -o worker

#include <ringmain.hpp>

#include <condition_variable>
#include <iostream>
#include <mutex>
#include <stdexcept>

int main() {
    using namespace std::chrono_literals;
    try {
        std::mutex mutex;
        std::condition_variable changed;
        int done = 0;
        const auto count_one = [&] {
            const std::lock_guard<std::mutex> lock(mutex);
            done++;
            changed.notify_one();
        };

        ringmain::hub hub = ringmain::hub::memory();
        ringmain::stream flights = hub.open_stream("flights");
        ringmain::queue complaints =
            hub.open_queue("complaints", ringmain::queue_options().on_exhausted(RINGMAIN_ON_EXHAUSTED_DROP));

        ringmain::worker of_queue = complaints.start_worker([&](ringmain::job &job) {
            std::cout << "complaint: " << job.text() << "\n";
            count_one();
        });
        // What a handler throws is a failure; what has failed as often as it may becomes a message of the queue.
        auto options = ringmain::stream_worker_options().max_failures(1);
        options.hand_over(
            [&](const ringmain::records &, std::string_view reason) { complaints.send(ringmain::message(reason)); });
        ringmain::stream_worker of_stream = flights.start_worker(
            "desk",
            [&](const ringmain::records &records) {
                if (records.text(0).empty())
                    throw std::runtime_error("nothing at offset " + std::to_string(records[0].offset));
                count_one();
            },
            options);

        for (const char *value : {"departed", "", "arrived"})
            flights.append(value);
        {
            std::unique_lock<std::mutex> lock(mutex);
            changed.wait(lock, [&] { return done == 3; });
        }
        // Handlers are through when these return true.
        if (!of_stream.close(10s) || !of_queue.close(10s))
            return 1;
        std::cout << done << " done, " << flights.lag("desk") << " to go\n";
    } catch (const ringmain::error &error) {
        std::cerr << error.name() << ": " << error.what() << "\n";
        return 1;
    }
}
