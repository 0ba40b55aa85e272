import ChatTemplates
import Glibc

/// The wall clock, for templates that write today's date into the prompt.
enum LocalTime {
    /// Reads the time zone, for a process that can open no files later.
    static func prepare() { tzset() }

    /// This moment in the process's time zone.
    static func now() -> ChatTemplateDate {
        var moment = timespec()
        var parts = unsafe tm()
        // Safety: all three are valid for the length of the calls, which cannot fail here.
        _ = unsafe clock_gettime(CLOCK_REALTIME, &moment)
        _ = unsafe localtime_r(&moment.tv_sec, &parts)
        return unsafe ChatTemplateDate(
            year: Int(parts.tm_year) + 1900,
            month: Int(parts.tm_mon) + 1,
            day: Int(parts.tm_mday),
            hour: Int(parts.tm_hour),
            minute: Int(parts.tm_min),
            second: Int(parts.tm_sec)
        )
    }
}
