#include "app/cga.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/cga_file.h"
#include "app/cga_key.h"
#include "app/cga_search.h"
#include "app/key_files.h"
#include "cga/extension.h"
#include "crypto/rsa.h"

namespace sendoff::app {

namespace {

struct GenerateOptions {
  std::string key;
  std::string prefix;
  unsigned sec = 1;
  std::string modifier;
  std::string out;
  bool force = false;
};

Attempt<cga::Modifier> given_modifier(const GenerateOptions& options, ByteView public_key) {
  Bytes octets;
  cga::Modifier modifier{};
  if (!from_hex(options.modifier, octets) || octets.size() != modifier.size())
    return failed("--modifier must be 32 hexadecimal digits");
  std::ranges::copy(octets, modifier.begin());
  if (!cga::hash2_ok(modifier, public_key, {}, static_cast<std::uint8_t>(options.sec)))
    return failed("--modifier was not found for this key with --sec " +
                      std::to_string(options.sec) +
                      "; leave it out to search for one, or use the key that it was found for",
                  kRefused);
  return modifier;
}

Attempt<> generate(const GenerateOptions& options) {
  const auto prefix = Prefix::parse(options.prefix);
  if (!prefix || prefix->length() != 64)
    return failed("--prefix \"" + options.prefix +
                  "\" must be an IPv6 prefix of length 64, like 2001:db8:a:1::/64");
  if (auto free = check_free(options.out, options.force); !free) return free;
  const auto key = read_cga_key(options.key);
  if (!key) return fail(key.error());
  const ByteView spki = (*key)->spki();
  const auto modifier =

      options.modifier.empty()
          ? search_modifier({.sec = static_cast<std::uint8_t>(options.sec)}, spki)
          : given_modifier(options, spki);
  if (!modifier) return fail(modifier.error());

  CgaFile made;
  made.parameters.modifier = *modifier;
  std::ranges::copy(prefix->address().view().first(8), made.parameters.subnet_prefix.begin());
  made.parameters.public_key = to_bytes(spki);
  made.address = cga::address_of(made.parameters, static_cast<std::uint8_t>(options.sec));
  const std::string text = made.text();
  auto file = NewFile::stage(
      options.out, ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()),
      kPublicMode, options.force);
  if (!file) return fail(file.error());
  if (auto done = file->commit(); !done) return done;
  std::printf("%s\n  sec       %u\n  modifier  %s\n  written   %s\n", made.address.text().c_str(),
              options.sec, to_hex(*modifier).c_str(), options.out.c_str());
  return {};
}

Attempt<CgaFile> read_parameters(const std::string& path) {
  const auto contents = read_file(path);
  if (!contents) return fail(contents.error());
  const ByteView octets = contents->expose();
  return CgaFile::parse(
      std::string_view(reinterpret_cast<const char*>(octets.data()), octets.size()), path);
}

// The verdict on an address, with the reason when it is negative.
Result<void, cga::Error> judge(const Ipv6Address& address, const cga::Parameters& parameters) {
  const Bytes octets = parameters.octets();
  const auto view = cga::ParametersView::parse(octets);
  if (!view) return fail(view.error());
  return cga::verify(address, *view);
}

Attempt<> verify(const std::string& address_text, const std::string& path) {
  const auto address = Ipv6Address::parse(address_text);
  if (!address) return failed("\"" + address_text + "\" is no IPv6 address");
  const auto file = read_parameters(path);
  if (!file) return fail(file.error());
  if (const auto verdict = judge(*address, file->parameters); !verdict) {
    std::printf("no: %s\n", std::string(name(verdict.error())).c_str());
    return failed(
        address->text() + " is not a CGA of " + path + ": " + std::string(explain(verdict.error())),
        kRefused);
  }
  std::printf("yes: %s is a CGA of %s with Sec %u\n", address->text().c_str(), path.c_str(),
              static_cast<unsigned>(cga::sec_of(*address)));
  return {};
}

Attempt<> show(const std::string& path) {
  const auto file = read_parameters(path);
  if (!file) return fail(file.error());
  const cga::Parameters& parameters = file->parameters;
  const auto verdict = judge(file->address, parameters);
  const cga::Procedure* procedure = cga::procedure_of(cga::sec_of(file->address));
  const std::uint32_t least = procedure ? procedure->min_bits : cga::kProcedures.front().min_bits;
  const auto key =
      crypto::RsaPublicKey::parse(parameters.public_key, {.min_bits = least, .max_bits = 16384});
  const std::string key_text = key ? "RSA, " + std::to_string(key->bits()) + " bits, exponent " +
                                         std::to_string(key->exponent())
                                   : "not usable: " + std::string(name(key.error()));
  std::printf(
      "address          %s (%s)\nsec              %u\nmodifier         %s\n"
      "collision count  %u\nextensions       %s\nkey              %s\nkey hash         %s\n",
      file->address.text().c_str(),
      verdict ? "matches the parameters"
              : ("DOES NOT MATCH: " + std::string(explain(verdict.error()))).c_str(),
      static_cast<unsigned>(cga::sec_of(file->address)), to_hex(parameters.modifier).c_str(),
      static_cast<unsigned>(parameters.collision_count),
      cga::explain_extensions(parameters.extensions).c_str(), key_text.c_str(),
      to_hex(crypto::key_hash(parameters.public_key)).c_str());
  return {};
}

void add_generate(CLI::App& cga, int& exit_code) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command = cga.add_subcommand("generate", "Make an address from a key and a prefix");
  command->add_option("--key", options->key, "Private key file (`sendoff cga key`)")->required();
  command->add_option("--prefix", options->prefix, "Subnet prefix of length 64")->required();
  command
      ->add_option(
          "--sec", options->sec,
          "Security parameter 0 to 2: 0 is free, 1 takes a moment, 2 minutes to hours. One "
          "more makes the search, and forging the address, 65536 times the work; checking "
          "it costs the same")
      ->check(CLI::Range(0, 2))
      ->capture_default_str();
  command->add_option("--modifier", options->modifier,
                      "Modifier found before for this key and Sec: saves the search, and gives "
                      "several prefixes one modifier");
  command->add_option("--out", options->out, "File for the parameters")->required();
  command->add_flag("--force", options->force, "Replace the file if it exists");
  command->footer(
      "The parameter file is text, one `key = value` a line, and holds nothing secret:\n"
      "  address          the CGA, in quotes\n"
      "  sec              0 to 7, as in the address\n"
      "  modifier         32 hexadecimal digits, in quotes\n"
      "  collision-count  0 to 2\n"
      "  extensions       hexadecimal, usually \"\"\n"
      "  public-key       DER SubjectPublicKeyInfo in hexadecimal, in quotes\n"
      "Ctrl-C stops the search and leaves no file; `sendoff cga search` can go on later.\n\n"
      "Example:\n"
      "  sendoff cga generate --key router.key --prefix fe80::/64 --out link-local.cga");
  command->callback(
      [options, &exit_code] { exit_code = report("cga generate", generate(*options)); });
}

void add_verify(CLI::App& cga, int& exit_code) {
  struct Arguments {
    std::string address;
    std::string file;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = cga.add_subcommand("verify", "Ask whether an address belongs to parameters");
  command->add_option("ADDRESS", arguments->address, "IPv6 address")->required();
  command->add_option("PARAMS", arguments->file, "Parameter file")->required();
  command->footer(
      "Exit code 0: yes; 1: no, with the reason; 2: a file cannot be used.\n\n"
      "Example:\n  sendoff cga verify fe80::3c5c:b8a4:1b5f:90d0 link-local.cga");
  command->callback([arguments, &exit_code] {
    exit_code = report("cga verify", verify(arguments->address, arguments->file));
  });
}

void add_show(CLI::App& cga, int& exit_code) {
  auto file = std::make_shared<std::string>();
  CLI::App* command = cga.add_subcommand("show", "Tell in words what a parameter file holds");
  command->add_option("PARAMS", *file, "Parameter file")->required();
  command->footer("Example:\n  sendoff cga show link-local.cga");
  command->callback([file, &exit_code] { exit_code = report("cga show", show(*file)); });
}

}  // namespace

void add_cga_command(CLI::App& app, int& exit_code) {
  CLI::App* cga =
      app.add_subcommand("cga", "Make, show and check Cryptographically Generated Addresses");
  cga->require_subcommand(1);
  add_cga_key(*cga, exit_code);
  add_cga_rekey(*cga, exit_code);
  add_generate(*cga, exit_code);
  add_cga_search(*cga, exit_code);
  add_verify(*cga, exit_code);
  add_show(*cga, exit_code);
}

}  // namespace sendoff::app
