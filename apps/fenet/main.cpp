#include "apps/fenet/verbs/verbs.h"

int main(int argc, char** argv) {
  return thimble::app::run(argc, argv, thimble::fenet::program());
}
