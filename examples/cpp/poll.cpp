// An event loop over poll(2). Any loop that takes file descriptors will do.
//
//     c++ -std=c++17 poll.cpp $(pkg-config --cflags --libs ringmain) -lpthread -o poll

#include <ringmain.hpp>

#include <iostream>
#include <poll.h>
#include <thread>

int main() {
    using namespace std::chrono_literals;
    try {
        ringmain::hub hub = ringmain::hub::memory();
        ringmain::queue queue =
            hub.open_queue("imports", ringmain::queue_options().on_exhausted(RINGMAIN_ON_EXHAUSTED_DROP));
        std::thread producer([&] {
            for (int number = 0; number < 100; number++)
                queue.send(std::to_string(number));
        });

        int received = 0;
        pollfd descriptor = {queue.fd(), POLLIN, 0};
        while (received < 100) {
            while (auto job = queue.receive(0ms)) {
                job->ack();
                received++;
            }
            if (received < 100 && !queue.arm() && poll(&descriptor, 1, 10000) <= 0)
                break;
        }
        producer.join();
        std::cout << "received " << received << "\n";
    } catch (const ringmain::error &error) {
        std::cerr << error.name() << ": " << error.what() << "\n";
        return 1;
    }
}
