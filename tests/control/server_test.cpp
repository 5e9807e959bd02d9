#include "control/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>

#include "control/client.h"

namespace sendoff::control {
namespace {

// A server on a real socket; its loop runs on a thread of its own.
class ControlServer : public ::testing::Test {
 protected:
  ControlServer() {
    EXPECT_NE(mkdtemp(directory_.data()), nullptr);
    config_.path = directory_ + "/control.sock";
  }
  ~ControlServer() override {
    stop();
    (void)unlink(config_.path.c_str());
    (void)rmdir(directory_.c_str());
  }
  net::Attempt<> start() {
    auto opened = Server::open(loop_, config_, [](const Request& request) {
      if (std::holds_alternative<AskStatus>(request))
        return Result<std::string, Refusal>(R"({"role":"test"})");
      return Result<std::string, Refusal>(fail(Refusal{"not-here", "only a test"}));
    });
    if (!opened) return fail(opened.error());
    server_ = std::move(*opened);
    thread_ = std::thread([this] { loop_.run(); });
    return {};
  }
  void stop() {
    if (thread_.joinable()) {
      // From within: a stop before run() would be forgotten.
      loop_.post([this] { loop_.stop(); });
      thread_.join();
    }
    server_.reset();
  }
  // Runs on the loop's thread, and waits for it.
  void on_loop(std::function<void()> work) {
    std::atomic<bool> done{false};
    loop_.post([&] {
      work();
      done = true;
      done.notify_all();
    });
    done.wait(false);
  }
  void publish(const std::string& text) {
    on_loop([&] {
      server_->publish({Instant{}, UtcTime{}}, {machine::EventKind::kWarning, {{"text", text}}});
    });
  }
  Client connect() {
    auto client = Client::connect(config_.path);
    EXPECT_TRUE(client) << client.error();
    return std::move(*client);
  }
  int raw_connection() {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, config_.path.data(), config_.path.size());
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  net::EventLoop loop_;
  ServerConfig config_;
  std::string directory_ = ::testing::TempDir() + "sendoff-XXXXXX";
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

TEST_F(ControlServer, AnswersSeveralRequestsOfOneClient) {
  ASSERT_TRUE(start());
  Client client = connect();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ask(AskStatus{}), R"({"role":"test"})");
  const auto refused = client.ask(Reload{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "not-here");
}

TEST_F(ControlServer, TellsPastEventsFirstAndThenTheComingOnes) {
  config_.max_events = 2;
  ASSERT_TRUE(start());
  publish("one");
  publish("two");
  publish("three");
  Client client = connect();
  EXPECT_EQ(client.ask(AskEvents{true}), R"({"count":2})");
  publish("four");
  for (const char* text : {"two", "three", "four"}) {
    const auto line = client.next_line(false);
    ASSERT_TRUE(line);
    EXPECT_NE(line->find(std::string("\"text\":\"") + text + "\""), std::string::npos) << *line;
  }
}

TEST_F(ControlServer, WhoDoesNotFollowGetsOnlyThePast) {
  ASSERT_TRUE(start());
  publish("one");
  Client client = connect();
  EXPECT_EQ(client.ask(AskEvents{false}), R"({"count":1})");
  ASSERT_TRUE(client.next_line(false));
  publish("two");
  EXPECT_EQ(client.ask(AskStatus{}), R"({"role":"test"})");
}

TEST_F(ControlServer, TakesABoundedNumberOfClients) {
  config_.max_clients = 2;
  ASSERT_TRUE(start());
  Client first = connect();
  ASSERT_TRUE(first.ask(AskStatus{}));
  {
    Client second = connect();
    ASSERT_TRUE(second.ask(AskStatus{}));
    Client third = connect();
    const auto answer = third.ask(AskStatus{});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, "busy");
  }
  // The place of the second is free as soon as the server saw it go.
  for (;;) {
    std::size_t clients = 0;
    on_loop([&] { clients = server_->clients(); });
    if (clients == 1) break;
    std::this_thread::yield();
  }
  EXPECT_TRUE(connect().ask(AskStatus{}));
  EXPECT_TRUE(first.ask(AskStatus{}));
}

TEST_F(ControlServer, DropsAClientWhoseLineDoesNotEnd) {
  config_.max_request = 100;
  ASSERT_TRUE(start());
  const int fd = raw_connection();
  const std::string octets(101, 'x');
  ASSERT_EQ(write(fd, octets.data(), octets.size()), 101);
  char octet = 0;
  EXPECT_LE(read(fd, &octet, 1), 0);
  close(fd);
  on_loop([&] { EXPECT_EQ(server_->counters().dropped_clients, 1U); });
  EXPECT_TRUE(connect().ask(AskStatus{}));
}

TEST_F(ControlServer, DropsAFollowerThatDoesNotRead) {
  config_.max_unread = 10'000;
  config_.max_events = 10;
  ASSERT_TRUE(start());
  const int fd = raw_connection();
  const std::string request = text_of(AskEvents{true}) + "\n";
  ASSERT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::uint64_t dropped = 0;
  // More than the kernel buffers and the server keeps.
  for (int i = 0; i < 5000 && dropped == 0; ++i) {
    publish(std::string(1000, 'e'));
    on_loop([&] { dropped = server_->counters().dropped_clients; });
  }
  EXPECT_EQ(dropped, 1U);
  close(fd);
  EXPECT_TRUE(connect().ask(AskStatus{}));
}

TEST_F(ControlServer, AnswersNonsenseWithAReason) {
  ASSERT_TRUE(start());
  const int fd = raw_connection();
  const std::string request = "what?\n";
  ASSERT_EQ(write(fd, request.data(), request.size()), 6);
  std::array<char, 512> answer{};
  ASSERT_GT(read(fd, answer.data(), answer.size() - 1), 0);
  EXPECT_NE(std::string(answer.data()).find("bad-request"), std::string::npos);
  close(fd);
}

TEST_F(ControlServer, ItsSocketIsForItsOwnerAndGroupOnly) {
  ASSERT_TRUE(start());
  struct stat status{};
  ASSERT_EQ(stat(config_.path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0007U, 0U);
  stop();
  EXPECT_NE(stat(config_.path.c_str(), &status), 0);
}

TEST_F(ControlServer, ReplacesADeadSocketButNeverALivingOneOrAFile) {
  {
    const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, config_.path.data(), config_.path.size());
    ASSERT_EQ(bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    close(dead);
  }
  ASSERT_TRUE(start());
  EXPECT_TRUE(connect().ask(AskStatus{}));
  net::EventLoop other_loop;
  const auto second = Server::open(other_loop, config_, {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text().find("another daemon"), std::string::npos);
  EXPECT_TRUE(connect().ask(AskStatus{}));
  stop();
  std::ofstream(config_.path) << "precious";
  EXPECT_FALSE(Server::open(other_loop, config_, {}));
}

TEST_F(ControlServer, AClientIsToldWhyItCannotConnect) {
  const auto client = Client::connect(config_.path);
  ASSERT_FALSE(client);
  EXPECT_NE(client.error().find("is sendoff running"), std::string::npos);
}

}  // namespace
}  // namespace sendoff::control
