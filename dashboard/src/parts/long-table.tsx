import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { usePrinting } from "./printing.js";

interface LongTableProps<T> {
  readonly columns: readonly string[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** The cells of a row. */
  readonly children: (row: T) => ReactNode;
  /** Asks for more rows; absent where these are all. */
  readonly readOn?: (() => void) | undefined;
}

/** A table of so many rows is drawn whole: it can be printed, and searched by the browser. */
const WHOLE_MAX = 100;
const ROW_PX = 34;
const OVERSCAN = 12;

/** A table of any length: of many rows those in sight are drawn, and more are asked for near its end. */
export function LongTable<T>({ columns, rows, keyOf, children, readOn }: LongTableProps<T>): ReactNode {
  const isPrinting = usePrinting();
  const isWhole = isPrinting || (rows.length <= WHOLE_MAX && readOn === undefined);
  const table = useRef<HTMLTableElement>(null);
  const [top, setTop] = useState(0);
  // Other tables above may have grown.
  useLayoutEffect(() => {
    if (table.current !== null) setTop(Math.round(table.current.getBoundingClientRect().top + window.scrollY));
  }, [rows.length]);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW_PX,
    getItemKey: (at) => keyOf(rows[at] as T),
    overscan: OVERSCAN,
    scrollMargin: top,
    useFlushSync: false,
    enabled: !isWhole,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1);
  const isNearEnd = last !== undefined && last.index >= rows.length - OVERSCAN;
  useEffect(() => {
    if (isNearEnd) readOn?.();
  }, [isNearEnd, readOn]);
  return (
    <table ref={table} className={isWhole ? "rows" : "rows is-long"} aria-rowcount={rows.length + 1}>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {isWhole && rows.map((row) => <tr key={keyOf(row)}>{children(row)}</tr>)}
        <Gap px={(items[0]?.start ?? top) - top} />
        {items.map(({ index, key }) => (
          <Row key={key} at={index} measure={virtual.measureElement} row={rows[index]} cells={children as Cells} />
        ))}
        <Gap px={last === undefined ? 0 : virtual.getTotalSize() - (last.end - top)} />
      </tbody>
    </table>
  );
}

type Cells = (row: unknown) => ReactNode;

interface RowProps {
  readonly at: number;
  readonly row: unknown;
  readonly cells: Cells;
  readonly measure: (element: Element | null) => void;
}

/** A row as it is until it changes: those that stay in sight while one scrolls are not made again. */
const Row = memo(({ at, row, cells, measure }: RowProps): ReactNode => (
  <tr ref={measure} data-index={at} aria-rowindex={at + 2}>
    {cells(row)}
  </tr>
));

/** Room of the rows that are not drawn. */
function Gap({ px }: { readonly px: number }): ReactNode {
  return px > 0 ? <tr className="gap" aria-hidden="true" style={{ height: px }} /> : undefined;
}
