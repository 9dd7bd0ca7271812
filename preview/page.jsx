// One board with what its queries answered (window.BOARD), drawn by Grafana's own components.
// Units, decimals, thresholds, mappings, overrides and transformations are Grafana's code.
// Tables, states and heat maps are not published apart from Grafana: they are drawn here.
import {
  applyFieldOverrides, createTheme, dateTime, FieldType, getFieldDisplayName,
  getFieldDisplayValues, Registry, standardTransformers, standardTransformersRegistry,
  ThemeContext, toDataFrame, transformDataFrame,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, PanelChrome, TimeSeries, VizLegend } from '@grafana/ui';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { lastValueFrom } from 'rxjs';

const { board, answers, from, to } = window.BOARD;
const theme = createTheme({ colors: { mode: 'dark' } });
const CELL = { width: 1904 / 24, height: 38 };
const range = { from: dateTime(from * 1000), to: dateTime(to * 1000) };
range.raw = { from: range.from, to: range.to };

standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(standardTransformers).map((each) => [each.id, each])).values()].map(
    (each) => ({
      id: each.id, name: each.name, editor: () => null,
      transformation: () => Promise.resolve(each),
    })
  )
);

const SIMPLE = ['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'thresholds',
  'mappings', 'links', 'color'];

function registry(panel) {
  const custom = Object.keys(panel.fieldConfig.defaults.custom ?? {});
  const overridden = panel.fieldConfig.overrides.flatMap((each) =>
    each.properties.filter(({ id }) => id.startsWith('custom.')).map(({ id }) => id.slice(7)));
  const item = (path, isCustom) => ({
    id: isCustom ? `custom.${path}` : path, path, name: path, isCustom, settings: {},
    editor: () => null, override: () => null, getItemsCount: () => 1,
    process: (value) => value, shouldApply: () => true,
  });
  return new Registry(() => [
    ...SIMPLE.map((path) => item(path, false)),
    ...[...new Set([...custom, ...overridden])].map((path) => item(path, true)),
  ]);
}

function based(thresholds) {
  const steps = thresholds.steps.map((step) => ({ ...step, value: step.value ?? -Infinity }));
  return { ...thresholds, steps };
}

function fieldConfig(panel) {
  const config = structuredClone(panel.fieldConfig);
  const { defaults } = config;
  const mode = panel.type === 'timeseries' ? 'palette-classic' : 'thresholds';
  defaults.color ??= { mode };
  delete defaults.links;
  if (defaults.thresholds) {
    defaults.thresholds = based(defaults.thresholds);
  }
  for (const each of config.overrides) {
    for (const property of each.properties) {
      if (property.id === 'thresholds') {
        property.value = based(property.value);
      }
    }
  }
  return config;
}

const named = (target, labels) =>
  target.legendFormat
    ? target.legendFormat.replace(/\{\{(\w+)\}\}/g, (_, name) => labels[name] ?? '')
    : undefined;

function frames(panel) {
  return panel.targets.flatMap((target) => {
    const found = answers[panel.id][target.refId];
    return target.format === 'table'
      ? [asTable(panel, target, found)]
      : found.map((series) => asSeries(target, series));
  });
}

function asSeries(target, { metric, values }) {
  const displayNameFromDS = named(target, metric);
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map(([at]) => at * 1000) },
      {
        name: 'Value', type: FieldType.number, labels: metric, config: { displayNameFromDS },
        values: values.map(([, value]) => (value === null ? null : Number(value))),
      },
    ],
  });
}

function asTable(panel, target, found) {
  const labels = [...new Set(found.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const value = panel.targets.length > 1 ? `Value #${target.refId}` : 'Value';
  const first = (each) => each.values[0];
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: found.map((each) => first(each)[0] * 1000) },
      ...labels.map((name) => ({
        name, type: FieldType.string, values: found.map(({ metric }) => metric[name] ?? ''),
      })),
      { name: value, type: FieldType.number, values: found.map((each) => Number(first(each)[1])) },
    ],
  });
}

async function drawn(panel) {
  const asIs = { interpolate: (text) => text };
  const made = await lastValueFrom(
    transformDataFrame(panel.transformations ?? [], frames(panel), asIs));
  return applyFieldOverrides({
    data: made, fieldConfig: fieldConfig(panel), fieldConfigRegistry: registry(panel),
    replaceVariables: (text) => text, theme, timeZone: 'utc',
  });
}

function values(panel, data) {
  return getFieldDisplayValues({
    fieldConfig: fieldConfig(panel), reduceOptions: panel.options.reduceOptions, data, theme,
    replaceVariables: (text) => text, sparkline: panel.options.graphMode === 'area',
    timeZone: 'utc',
  });
}

const Nothing = ({ panel }) => (
  <div style={{ padding: 8, color: theme.colors.text.secondary }}>
    {panel.fieldConfig.defaults.noValue ?? 'No data'}
  </div>
);

function Stat({ panel, data, width, height }) {
  const [shown] = values(panel, data);
  if (!shown) {
    return <Nothing panel={panel} />;
  }
  return (
    <BigValue value={{ ...shown.display, title: undefined }} sparkline={shown.sparkline}
      colorMode={panel.options.colorMode} graphMode={panel.options.graphMode} justifyMode="auto"
      textMode="value" theme={theme} width={width} height={height} />
  );
}

function Bars({ panel, data, width, height }) {
  const shown = values(panel, data).filter((each) => each.name !== 'Time');
  const each = Math.min(44, Math.floor(height / Math.max(shown.length, 1)));
  return shown.map((bar) => (
    <div key={bar.display.title} style={{ height: each, padding: '2px 0' }}>
      <BarGauge value={bar.display} field={bar.field} display={bar.view?.getFieldDisplayProcessor(
        bar.colIndex)} orientation="horizontal" displayMode={panel.options.displayMode}
        theme={theme} width={width} height={each - 4} itemSpacing={8} lcdCellWidth={8} />
    </div>
  ));
}

function Curves({ panel, data, width, height }) {
  const some = data.filter((frame) => frame.length);
  if (!some.length) {
    return <Nothing panel={panel} />;
  }
  return (
    <TimeSeries frames={some} width={width} height={height} timeRange={range} timeZone="utc"
      legend={panel.options.legend} options={panel.options} />
  );
}

const cell = { padding: '4px 8px', whiteSpace: 'nowrap', overflow: 'hidden' };

function Cell({ field, row }) {
  const value = field.values[row];
  const display = value === null || value === undefined ? undefined : field.display(value);
  const number = field.type === FieldType.number;
  const tinted = field.config.custom?.cellOptions?.type === 'color-text';
  return (
    <td style={{ ...cell, textAlign: number ? 'right' : 'left',
      color: tinted && display ? display.color : undefined }}>
      {display ? `${display.prefix ?? ''}${display.text}${display.suffix ?? ''}`
        : field.config.noValue ?? ''}
    </td>
  );
}

function Rows({ panel, data }) {
  const [frame] = data;
  if (!frame?.length) {
    return <Nothing panel={panel} />;
  }
  const shown = frame.fields;
  return (
    <table style={{ width: '100%', fontSize: 14, borderCollapse: 'collapse' }}>
      <thead>
        <tr>{shown.map((field) => (
          <th key={field.name} style={{ ...cell, color: theme.colors.primary.text,
            textAlign: field.type === FieldType.number ? 'right' : 'left' }}>
            {getFieldDisplayName(field, frame)}
          </th>
        ))}</tr>
      </thead>
      <tbody>{[...Array(frame.length).keys()].map((row) => (
        <tr key={row} style={{ borderTop: `1px solid ${theme.colors.border.weak}` }}>
          {shown.map((field) => <Cell key={field.name} field={field} row={row} />)}
        </tr>
      ))}</tbody>
    </table>
  );
}

const across = (at, width) => ((at / 1000 - from) / (to - from)) * width;

function States({ panel, data, width, height }) {
  const side = 130;
  const band = Math.min(36, (height - 30) / Math.max(data.length, 1));
  const words = panel.fieldConfig.defaults.mappings[0].options;
  const step = window.BOARD.step * 1000;
  return (
    <div>
      {data.map((frame) => {
        const [time, value] = frame.fields;
        return (
          <div key={getFieldDisplayName(value, frame)} style={{ height: band, display: 'flex' }}>
            <div style={{ width: side, paddingTop: 4, fontSize: 12 }}>
              {getFieldDisplayName(value, frame)}
            </div>
            <svg width={width - side} height={band}>
              {time.values.map((at, index) => (
                <rect key={at} x={across(at, width - side)} y={3} height={band - 6}
                  width={across(at + step, width - side) - across(at, width - side) + 0.5}
                  fill={theme.visualization.getColorByName(words[value.values[index]].color)} />
              ))}
            </svg>
          </div>
        );
      })}
      <VizLegend displayMode="list" placement="bottom" items={Object.values(words).map((each) => ({
        label: each.text, yAxis: 1, color: theme.visualization.getColorByName(each.color),
      }))} />
    </div>
  );
}

function Heat({ data, width, height }) {
  const edge = (frame) => Number(frame.fields[1].labels.le.replace('+Inf', 'Infinity'));
  const buckets = [...data].sort((a, b) => edge(a) - edge(b));
  const side = 80;
  const tall = height / Math.max(buckets.length, 1);
  const own = buckets.map((frame, index) => frame.fields[1].values.map((value, at) =>
    Math.max(0, value - (index ? buckets[index - 1].fields[1].values[at] ?? 0 : 0))));
  const most = Math.max(...own.flat().filter(Number.isFinite), 1e-9);
  const step = window.BOARD.step * 1000;
  const said = (frame) => {
    const seconds = edge(frame);
    const shown = buckets[0].fields[1].display(seconds);
    return Number.isFinite(seconds) ? `≤ ${shown.text}${shown.suffix ?? ''}` : 'later';
  };
  return (
    <svg width={width} height={height}>
      {buckets.map((frame, index) => {
        const y = height - (index + 1) * tall;
        return (
          <g key={index}>
            <text x={side - 6} y={y + tall / 2 + 4} textAnchor="end" fontSize="11"
              fill={theme.colors.text.secondary}>{said(frame)}</text>
            {frame.fields[0].values.map((at, column) => own[index][column] > 0 && (
              <rect key={at} x={side + across(at, width - side)} y={y + 0.5} height={tall - 1}
                width={across(at + step, width - side) - across(at, width - side)}
                fill="rgb(255,152,48)" opacity={0.15 + 0.85 * Math.sqrt(own[index][column] / most)} />
            ))}
          </g>
        );
      })}
    </svg>
  );
}

const KINDS = {
  stat: Stat, bargauge: Bars, timeseries: Curves, table: Rows, 'state-timeline': States,
  heatmap: Heat,
};

function Panel({ panel }) {
  const [data, setData] = useState();
  const [fault, setFault] = useState();
  useEffect(() => void drawn(panel).then(setData, setFault), [panel]);
  const { x, y, w, h } = panel.gridPos;
  const place = { left: x * CELL.width, top: y * CELL.height + 34 };
  const width = w * CELL.width - 8;
  if (panel.type === 'row') {
    return <div style={{ position: 'absolute', ...place, padding: 8, fontSize: 16,
      color: theme.colors.text.primary }}>{panel.title}</div>;
  }
  const Kind = KINDS[panel.type];
  return (
    <div style={{ position: 'absolute', ...place }}>
      <PanelChrome title={panel.title} description={panel.description} width={width}
        height={h * CELL.height - 8}>
        {(inner, tall) => fault ? String(fault.stack) : data ? <Kind panel={panel} data={data} width={inner} height={tall} />
          : null}
      </PanelChrome>
    </div>
  );
}

createRoot(document.getElementById('root')).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <div style={{ position: 'relative', padding: 8 }}>
      <div style={{ fontSize: 18 }}>{board.title}{' '}
        <span style={{ fontSize: 12, color: theme.colors.text.secondary }}>
          {window.BOARD.note}
        </span>
      </div>
      {board.panels.map((panel) => <Panel key={panel.id} panel={panel} />)}
    </div>
  </ThemeContext.Provider>
);
