package scripted;

import java.io.IOException;
import java.util.function.Supplier;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** A source's part of a checkpoint: the step it would go on with. Written only when the run wants that checkpoint kept. */
final class Position {
    final Run run;
    /** -1: nobody asked for it. */
    final int next;
    final int settled;

    Position(Run run, int next, int settled) {
        this.run = run;
        this.next = next;
        this.settled = settled;
    }

    /** Asks the run before it writes: this happens beside the task's thread, so that waiting stops nothing. */
    public static final class Serializer extends TypeSerializerSingleton {
        public boolean isImmutableType() {
            return true;
        }

        public Object createInstance() {
            return new Position(null, 0, 0);
        }

        public Object copy(Object from) {
            return from;
        }

        public Object copy(Object from, Object reuse) {
            return from;
        }

        public int getLength() {
            return 4;
        }

        public void serialize(Object record, DataOutputView target) throws IOException {
            Position position = (Position) record;
            position.run.verdict(position);
            target.writeInt(position.next);
        }

        public Object deserialize(DataInputView source) throws IOException {
            return new Position(null, source.readInt(), 0);
        }

        public Object deserialize(Object reuse, DataInputView source) throws IOException {
            return deserialize(source);
        }

        public void copy(DataInputView source, DataOutputView target) throws IOException {
            target.writeInt(source.readInt());
        }

        public TypeSerializerSnapshot snapshotConfiguration() {
            return new Snapshot();
        }
    }

    public static final class Snapshot extends SimpleTypeSerializerSnapshot {
        public Snapshot() {
            super(new Supplier() {
                public Object get() {
                    return new Serializer();
                }
            });
        }
    }
}
