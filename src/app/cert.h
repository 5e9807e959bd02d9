// `sendoff cert`: trust anchors, CAs and router certificates of a small deployment or test bed, in
// words and as files.
#pragma once

namespace CLI {
class App;
}

namespace sendoff::app {

// Adds the subcommand to `app`. A run of it sets `exit_code`: 0 good, 1 refused, 2 usage or files.
void add_cert_command(CLI::App& app, int& exit_code);

}  // namespace sendoff::app
