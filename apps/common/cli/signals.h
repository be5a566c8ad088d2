#pragma once
// Signals of a program: one thread waits for them, handlers do nothing. See stop_flag() in core/base/stop.h.

namespace thimble::app {

/// Descriptors 0 to 2 are open afterwards, SIGPIPE and SIGXFSZ ignored, a crash prints one line. Call first in main.
void prepare_process();

/// From here the first INT, TERM or HUP asks for the end after the step, a second INT for the end at once, a third
/// ends the process; USR1 asks for a save. HUP ignored at start stays ignored. Call before any thread is started.
void catch_signals();

/// Ends the process by the default action of the signal, so that the caller sees 130, 143 or 129.
[[noreturn]] void end_by_signal(int signal);

}  // namespace thimble::app
