import Commands
import Glibc

exit(await CommandLineInterface.main(Array(CommandLine.arguments.dropFirst())))
