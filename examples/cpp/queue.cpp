// A task queue: send, receive, ack, and what comes of a message that fails.
//
//     c++ -std=c++17 queue.cpp $(pkg-config --cflags --libs ringmain) -o queue

#include <ringmain.hpp>

#include <iostream>

int main() {
    using namespace std::chrono_literals;
    try {
        ringmain::hub hub = ringmain::hub::memory(); // or ringmain::hub::open("data"), durable
        try {
            hub.open_queue("no/slashes");
        } catch (const ringmain::error &error) {
            std::cout << error.name() << "\n";
        }

        ringmain::queue emails = hub.open_queue(
            "emails", ringmain::queue_options().dead_letter("emails.dead").max_failures(2).retry(1ms, 1ms, 1));
        ringmain::queue dead = hub.open_queue("emails.dead");
        emails.send(ringmain::message("welcome").header("to", "ada"));
        emails.send("bounces");
        while (auto job = emails.receive(100ms)) {
            if (job->text() == "bounces") {
                job->fail("no such address");
            } else {
                std::cout << job->text() << " goes to " << job->header("to").value_or("nobody") << "\n";
                job->ack();
            }
        }

        // Many by one call.
        ringmain::packed_messages letters(4096, 16);
        dead.receive_packed(letters, 1s);
        for (std::size_t index = 0; index < letters.size(); index++)
            std::cout << "dead: " << letters.text(index) << "\n";
        dead.ack_packed(letters);
    } catch (const ringmain::error &error) {
        std::cerr << error.name() << ": " << error.what() << "\n";
        return 1;
    }
}
