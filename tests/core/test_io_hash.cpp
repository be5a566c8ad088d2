#include "core/io/hash.h"

#include <doctest/doctest.h>

using namespace thimble::io;

TEST_CASE("SHA-256 gives the known answers of FIPS 180-4") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 does not depend on how the bytes are fed") {
  const std::string text(301, 'x');
  for (const std::size_t piece : {1u, 7u, 55u, 64u, 65u, 300u}) {
    Sha256 hash;
    for (std::size_t at = 0; at < text.size(); at += piece) hash.update(std::string_view(text).substr(at, piece));
    CHECK(hash.hex() == sha256_hex(text));
  }
}

TEST_CASE("XXH64 gives the known answers of reliability.md 3.2 and of its authors") {
  CHECK(xxh64("123456789") == 0x8cb841db40e6ae83u);
  CHECK(xxh64("") == 0xef46db3751d8e999u);
  CHECK(xxh64("a") == 0xd24ec4f1a98c6e5bu);
}

TEST_CASE("CRC-32C gives the vectors of neurotrigger/events.sample.json [NT F25]") {
  CHECK(crc32c("123456789") == 0xE3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAu);
  CHECK(masked_crc32c("123456789") == 0xc78ab0e5u);
  CHECK(crc32c("6789", crc32c("12345")) == 0xE3069283u);
}

TEST_CASE("CRC-32 gives the check value of zip and PNG") {
  CHECK(crc32("123456789") == 0xCBF43926u);
  CHECK(crc32("6789", crc32("12345")) == 0xCBF43926u);
}
