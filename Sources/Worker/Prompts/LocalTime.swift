import ChatTemplates
import Glibc

/// The wall clock, for templates that write today's date into the prompt.
enum LocalTime {
    /// This moment in the process's time zone.
    static func now() -> ChatTemplateDate {
        var seconds = time(nil)
        var parts = tm()
        // Safety: both are valid for the length of the call.
        unsafe localtime_r(&seconds, &parts)
        return ChatTemplateDate(
            year: Int(parts.tm_year) + 1900,
            month: Int(parts.tm_mon) + 1,
            day: Int(parts.tm_mday),
            hour: Int(parts.tm_hour),
            minute: Int(parts.tm_min),
            second: Int(parts.tm_sec)
        )
    }
}
