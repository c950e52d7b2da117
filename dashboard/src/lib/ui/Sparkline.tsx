/** A line as high as its values, for the eye alone: the number beside it says the same. */
import styles from "./Sparkline.module.css";

interface SparklineProps {
  /** Oldest first; null or empty draws the resting line. */
  values: readonly number[] | null;
  width: number;
  height: number;
  /** The value that reaches the top; by default the largest one, and never less than 1. */
  top?: number;
  className?: string | undefined;
}

export function Sparkline({ values, width, height, top, className }: SparklineProps) {
  const highest = Math.max(1, top ?? 0, ...(top === undefined ? (values ?? []) : []));
  return (
    <svg
      className={`${styles.spark} ${className ?? ""}`}
      viewBox={`0 0 ${width} ${height}`}
      width={className ? undefined : width}
      height={className ? undefined : height}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {values && values.length > 1 ? (
        <Curve values={values} width={width} height={height} highest={highest} />
      ) : (
        <line className={styles.idle} x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
      )}
    </svg>
  );
}

interface CurveProps {
  values: readonly number[];
  width: number;
  height: number;
  highest: number;
}

function Curve({ values, width, height, highest }: CurveProps) {
  const step = width / (values.length - 1);
  const points = values
    .map((value, i) => {
      const y = height - 0.75 - (Math.min(value, highest) / highest) * (height - 1.5);
      return `${(i * step).toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
  return (
    <>
      <polygon className={styles.area} points={`0,${height} ${points} ${width},${height}`} />
      <polyline className={styles.line} points={points} />
    </>
  );
}
