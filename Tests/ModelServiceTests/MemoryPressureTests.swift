import ModelService
import Platform
import Testing

@Suite struct MemoryPressureTests {
    typealias Step = MemoryPressure.Step

    private func steps(
        _ readings: [(available: Int, stall: Double)],
        canEvict: (Int) -> Bool = { _ in false }
    ) -> [Step?] {
        var pressure = MemoryPressure(interval: .seconds(2))
        return readings.enumerated().map { index, reading in
            pressure.look(
                MemoryPressure.Reading(
                    available: reading.available,
                    reserve: 100,
                    stall: reading.stall
                ),
                canEvict: canEvict(index),
                now: MonotonicInstant(nanoseconds: UInt64(index) * 2_000_000_000)
            )
        }
    }

    @Test func `an eighth of a small memory is not for models, and 256 MiB of a large one`() {
        #expect(MemoryGauge.reserve(ofTotal: 400 << 20) == 50 << 20)
        #expect(MemoryGauge.reserve(ofTotal: 64 << 30) == 256 << 20)
        let machine = MemoryGauge.machine.reserveByteCount
        #expect(machine > 0 && machine <= 256 << 20)
    }

    @Test func `does nothing while there is enough`() {
        #expect(steps([(100, 0), (1000, 0.9), (200, 0.5)]) == [nil, nil, nil])
    }

    @Test func `takes the steps in order, and the worst only when almost nothing is left`() {
        let readings = Array(repeating: (available: 60, stall: 0.0), count: 5) + [(20, 0), (20, 0)]
        let steps = steps(readings) { $0 < 3 }
        #expect(
            steps == [
                .shrinkCaches, .evictIdleModel, .evictIdleModel, .refuseRequests, .refuseRequests,
                .cancelLowestClass, .cancelLowestClass,
            ]
        )
    }

    @Test func `acts earlier when the machine is thrashing`() {
        #expect(steps([(150, 0.09), (150, 0.1)]) == [nil, .shrinkCaches])
    }

    @Test func `takes many refaults for thrashing, and old ones for nothing`() {
        var pressure = MemoryPressure(interval: .seconds(2))
        let counts = [1 << 40, (1 << 40) + (63 << 20), (1 << 40) + (63 + 64) << 20]
        let steps = counts.enumerated().map { second, count in
            pressure.look(
                MemoryPressure.Reading(available: 150, reserve: 100, refaultedByteCount: count),
                canEvict: false,
                now: MonotonicInstant(nanoseconds: UInt64(second) * 1_000_000_000)
            )
        }
        #expect(steps == [nil, nil, .shrinkCaches])
    }

    @Test func `begins again after a time with enough memory`() {
        #expect(
            steps([(60, 0), (60, 0), (500, 0), (60, 0)])
                == [.shrinkCaches, .refuseRequests, nil, .shrinkCaches]
        )
    }

    @Test func `gives each step time to work, and refuses requests meanwhile`() {
        var pressure = MemoryPressure(interval: .seconds(2))
        let reading = MemoryPressure.Reading(available: 10, reserve: 100)
        let looks = (0..<7).map { second in
            let now = MonotonicInstant(nanoseconds: UInt64(second) * 1_000_000_000)
            return pressure.look(reading, canEvict: false, now: now)
        }
        #expect(
            looks == [
                .shrinkCaches, nil, .refuseRequests, nil, .cancelLowestClass, nil,
                .cancelLowestClass,
            ]
        )
        #expect(pressure.refusesRequests)
        let enough = MemoryPressure.Reading(available: 1000, reserve: 100)
        _ = pressure.look(enough, canEvict: false, now: MonotonicInstant(nanoseconds: 1 << 40))
        #expect(!pressure.refusesRequests)
    }
}
