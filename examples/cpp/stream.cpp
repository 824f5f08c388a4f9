// An event stream: append, read at one's own pace, and share the work in a group.
//
//     c++ -std=c++17 stream.cpp $(pkg-config --cflags --libs ringmain) -o stream

#include <ringmain.hpp>

#include <iostream>

int main() {
    using namespace std::chrono_literals;
    try {
        ringmain::hub hub = ringmain::hub::memory();
        ringmain::stream flights = hub.open_stream("flights", 4);
        for (const char *tail : {"N14228", "N24211", "N14228"})
            flights.append(ringmain::message("departed").key(tail));

        ringmain::reader reader = flights.open_reader(ringmain::start::earliest());
        const ringmain::records records = reader.poll(100, 1s);
        std::size_t of_one = 0;
        for (std::size_t index = 0; index < records.size(); index++)
            of_one += records.key(index) == "N14228";
        std::cout << "read " << records.size() << ", " << of_one << " of them of N14228\n";

        ringmain::member member = flights.join("billing");
        ringmain::packed_records packed(4096, 16);
        std::size_t billed = 0;
        while (member.poll_packed(packed, 0ms) > 0) {
            billed += packed.size();
            member.commit();
        }
        std::cout << "billed " << billed << ", " << flights.lag("billing") << " to go\n";
        member.leave();
        hub.close(1s);
    } catch (const ringmain::error &error) {
        std::cerr << error.name() << ": " << error.what() << "\n";
        return 1;
    }
}
