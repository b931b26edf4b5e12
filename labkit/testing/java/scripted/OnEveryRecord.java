package scripted;

import java.lang.reflect.Field;
import org.apache.flink.api.common.eventtime.TimestampAssigner;
import org.apache.flink.api.common.eventtime.TimestampAssignerSupplier;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkGeneratorSupplier;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.transformations.TimestampsAndWatermarksTransformation;

/** A watermark strategy that speaks after every record, not every 200 ms: the same input gives the same watermarks. */
public final class OnEveryRecord implements WatermarkStrategy {
    private final WatermarkStrategy strategy;

    private OnEveryRecord(WatermarkStrategy strategy) {
        this.strategy = strategy;
    }

    /** Replace the strategy of that transformation. */
    public static void in(TimestampsAndWatermarksTransformation transformation) throws Exception {
        Field field = TimestampsAndWatermarksTransformation.class.getDeclaredField("watermarkStrategy");
        field.setAccessible(true);
        field.set(transformation, new OnEveryRecord((WatermarkStrategy) field.get(transformation)));
    }

    public TimestampAssigner createTimestampAssigner(TimestampAssignerSupplier.Context context) {
        return strategy.createTimestampAssigner(context);
    }

    public WatermarkGenerator createWatermarkGenerator(WatermarkGeneratorSupplier.Context context) {
        final WatermarkGenerator generator = strategy.createWatermarkGenerator(context);
        return new WatermarkGenerator() {
            public void onEvent(Object event, long timestamp, WatermarkOutput output) {
                generator.onEvent(event, timestamp, output);
                generator.onPeriodicEmit(output);
            }

            public void onPeriodicEmit(WatermarkOutput output) {
                generator.onPeriodicEmit(output);
            }
        };
    }
}
