package scripted;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.apache.flink.metrics.reporter.MetricReporterFactory;

/** Every counter of every job in this TaskManager that is not one of the traffic: dropped late rows, and the functions' own. */
public final class Counters implements MetricReporter, MetricReporterFactory {
    private static final Map JOBS = new HashMap();
    private static final Set TRAFFIC = new HashSet(Arrays.asList(new Object[] {
        "numBytesIn", "numBytesOut", "numRecordsIn", "numRecordsOut", "numBuffersOut", "numBuffersIn",
        "numBytesInLocal", "numBytesInRemote", "numBuffersInLocal", "numBuffersInRemote", "numFiredTimers",
        "initializationTime", "numRecordsInErrors", "numRecordsOutErrors", "numRecordsSendErrors", "numRecordsSend", "numBytesSend"}));

    public MetricReporter createMetricReporter(Properties properties) {
        return this;
    }

    public void open(MetricConfig config) {}

    public void close() {}

    public void notifyOfAddedMetric(Metric metric, String name, MetricGroup group) {
        Object job = group.getAllVariables().get("<job_id>");
        if (job == null || !(metric instanceof Counter) || TRAFFIC.contains(name)) {
            return;
        }
        Object operator = group.getAllVariables().get("<operator_name>");
        synchronized (JOBS) {
            if (!JOBS.containsKey(job)) {
                JOBS.put(job, new ArrayList());
            }
            ((List) JOBS.get(job)).add(new Object[] {operator, name, metric});
        }
    }

    /** Nothing: a counter's last value is read when its operator is gone. */
    public void notifyOfRemovedMetric(Metric metric, String name, MetricGroup group) {}

    static List of(String job) {
        List found = new ArrayList();
        synchronized (JOBS) {
            List counters = JOBS.containsKey(job) ? (List) JOBS.get(job) : new ArrayList();
            for (int i = 0; i < counters.size(); i++) {
                Object[] each = (Object[]) counters.get(i);
                Long count = new Long(((Counter) each[2]).getCount());
                found.add(Arrays.asList(new Object[] {each[0], each[1], count}));
            }
        }
        return found;
    }

    static void forget(String job) {
        synchronized (JOBS) {
            JOBS.remove(job);
        }
    }
}
