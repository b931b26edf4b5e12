package scripted;

import java.io.Serializable;

/** Which run a part belongs to, and what that run consists of. */
public final class Setting implements Serializable {
    final String run;
    final int sources;
    final int recorders;
    final String journal;

    public Setting(String run, int sources, int recorders, String journal) {
        this.run = run;
        this.sources = sources;
        this.recorders = recorders;
        this.journal = journal;
    }
}
