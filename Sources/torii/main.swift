import Commands
import Glibc

// Not an asynchronous main: its main thread would wait in dispatch_main with every signal unblocked.
exit(CommandLineInterface.main(Array(CommandLine.arguments.dropFirst())))
